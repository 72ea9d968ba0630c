"""What became of a recording's lines: nothing is lost silently."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from market.errors import UserError

SHOWN = 20


class RecordingError(UserError):
    """A recording cannot be read at all; the text names the file, the cause and the mend."""


@dataclass
class Account:
    """Counts of one recording. `counted`: what is not forwarded (acks, heartbeats, klines…), by kind."""

    path: Path
    kept: int = 0
    counted: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    complaints: list[str] = field(default_factory=list)  # of the first rejects: `file:line: reason`

    def reject(self, line: int, reason: str) -> None:
        """Note a line that could not be used."""
        self.rejected += 1
        if len(self.complaints) < SHOWN:
            self.complaints.append(f"{self.path}:{line}: {reason}")

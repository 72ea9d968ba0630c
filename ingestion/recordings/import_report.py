"""Account of what was read from recordings: every line is accepted, ignored or rejected; none is lost silently."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import UserError

MAX_ERRORS = 20

Position = int | str  # number of a line, or `item N` of a JSON array


class RecordingError(UserError):
    """A recording cannot be read; the text names the file, the cause and the remedy."""


@dataclass
class ImportReport:
    """Counters of one recording.

    `accepted`: envelopes. `ignored`: frames that carry no market data (acknowledgements, heartbeats, klines …), by
    kind. `rejected`: lines that cannot be decoded. `errors`: `file:line: reason` of the first MAX_ERRORS rejects.
    `note` describes a format that was inferred. `position` is that of the newest envelope. `lost` are the texts of
    rejected lines for which no sequence number has been taken yet.
    """

    path: Path
    accepted: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    errors: list[str] = field(default_factory=list)
    note: str = ""
    position: Position = 0
    lost: list[bytes] = field(default_factory=list)

    def reject(self, position: Position, reason: str, text: bytes = b"") -> None:
        """Count a rejected line and record its reason. `text`: the line, as far as it could be read."""
        self.rejected += 1
        self.lost.append(text)
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(f"{self.path}:{position}: {reason}")

    @property
    def place(self) -> str:
        """File and position of the newest envelope."""
        return f"{self.path}:{self.position}"


@dataclass
class ReadAccount:
    """Totals of a command over all recordings that it reads: used, skipped and refused.

    `used`: frames (of option chains: rows) that the command used. `skipped`: frames without effect, by kind.
    `refused`: lines, frames and rows that could not be used; `reasons` are those of the first MAX_ERRORS.
    `problems`: other causes for which the command fails. `seen`: frames by symbol; `unmatched`: those of symbols that
    were not requested.
    """

    used: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    reasons: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    unmatched: Counter[str] = field(default_factory=Counter)

    def add_report(self, report: ImportReport) -> None:
        """Add the ignored and the rejected lines of one recording."""
        self.skipped += report.ignored
        self.refused += report.rejected
        self.reasons += report.errors[: MAX_ERRORS - len(self.reasons)]

    def refuse(self, place: str, reason: str) -> None:
        """Count one frame or row that could not be used."""
        self.refused += 1
        if len(self.reasons) < MAX_ERRORS:
            self.reasons.append(f"{place}: {reason}")

    def check_symbols(self, requested: frozenset[str]) -> None:
        """Add a problem for each requested symbol that no frame has."""
        missing = sorted(requested - self.seen.keys())
        if missing:
            symbols = ", ".join(sorted(self.seen)) or "none"
            self.problems.append(f"no frame of {', '.join(missing)}; symbols in the recordings: {symbols}")

    def finish(self) -> None:
        """Add the problem that nothing was used. Called once, at the end."""
        if not self.used:
            self.problems.append("nothing was used")

    @property
    def failed(self) -> bool:
        """True when something was refused or went wrong: the command exits with 1."""
        return bool(self.refused or self.problems)

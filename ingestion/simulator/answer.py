"""What a REST request is answered with."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec


@dataclass(frozen=True)
class Answer:
    """An HTTP answer with a JSON body. `snapshot`: a book, which an exchange under load gives late."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    snapshot: bool = False

    @classmethod
    def of(cls, value: Any, status: int = 200) -> "Answer":
        """Answer with the value as JSON."""
        return cls(status, msgspec.json.encode(value))


class Rest(Protocol):
    """A venue's REST side. `refusing` is a fault: requests are answered with this status; 0: they are served."""

    refusing: int

    def answer(self, path: str, query: dict[str, str], now: float) -> Answer:
        """Answer one GET; `now` in epoch seconds."""

    def restarted(self) -> None:
        """Forget what clients used up."""

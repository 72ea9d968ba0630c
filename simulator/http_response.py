"""Responses to REST requests."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec


@dataclass(frozen=True)
class HttpResponse:
    """An HTTP response with a JSON body. `snapshot`: the body is a book, which a loaded exchange sends late."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    snapshot: bool = False

    @classmethod
    def of(cls, value: Any, status: int = 200) -> "HttpResponse":
        """A response with the value as JSON."""
        return cls(status, msgspec.json.encode(value))


class Rest(Protocol):
    """REST side of an exchange. `refusing` is a fault: the status that answers every request; 0 serves requests."""

    refusing: int

    def respond(self, path: str, query: dict[str, str], now: float) -> HttpResponse:
        """Response to one GET; `now` in epoch seconds."""

    def restarted(self) -> None:
        """Reset the limits that clients have used up."""

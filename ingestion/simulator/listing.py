"""One symbol as its exchange publishes it: the model's steps, cut into the venue's streams."""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple, Protocol, TypeAlias

Kind: TypeAlias = Literal["book", "trade", "ticker", "index", "instrument"]
Levels: TypeAlias = list[tuple[float, float]]
Wanted: TypeAlias = Callable[[str], bool]  # whether anybody subscribed a stream


class Publication(NamedTuple):
    """One frame for every subscriber of `stream`."""

    stream: str
    symbol: str
    kind: Kind
    frame: bytes


class Truth(NamedTuple):
    """The book as it stands, best first: what a rebuilt one must equal. `update_id` is of the last frame, if any."""

    symbol: str
    time_us: int
    update_id: int
    bids: Levels
    asks: Levels


class Listing(Protocol):
    """A symbol that is traded on the simulated exchange."""

    symbol: str

    def advance(self, time_us: int, wanted: Wanted) -> Iterable[Publication]:
        """One step of the market, and what the venue says of it; what nobody wants may be left out."""

    def snapshot(self, stream: str, time_us: int) -> Publication | None:
        """The in-band snapshot of a stream; None where none is due."""

    def offers(self, stream: str) -> bool:
        """Whether the venue has such a stream of this symbol."""

    def truth(self, depth: int | None) -> Truth | None:
        """The model's book; None where there is none."""

"""One listed symbol as its exchange publishes it: the model's steps, cut into the venue's streams."""

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from simulator.generator.market import Market

Kind: TypeAlias = Literal["book", "trade", "ticker", "index", "instrument"]
Levels: TypeAlias = list[tuple[float, float]]
HasSubscribers: TypeAlias = Callable[[str], bool]  # true while any connection subscribes the stream


class Publication(NamedTuple):
    """One frame for every subscriber of `stream`."""

    stream: str
    symbol: str
    kind: Kind
    frame: bytes


class ReferenceBook(NamedTuple):
    """The model's book, best price first: a rebuilt book must equal it.

    `time_us` is epoch µs; `update_id` is that of the last frame, or the time where frames carry none.
    """

    symbol: str
    time_us: int
    update_id: int
    bids: Levels
    asks: Levels


class Listed(Protocol):
    """A symbol listed on a simulated exchange."""

    symbol: str

    def advance(self, time_us: int, has_subscribers: HasSubscribers) -> Iterable[Publication]:
        """Publications of one step of the market; streams without subscribers may be left out."""

    def snapshot(self, stream: str, time_us: int) -> Publication | None:
        """The in-band snapshot of a stream; None where the stream has none."""

    def offers(self, stream: str) -> bool:
        """True if the exchange has this stream of this symbol."""

    def reference_book(self, depth: int | None) -> ReferenceBook | None:
        """The model's best `depth` levels, all without one; None for a symbol without a book."""


@runtime_checkable
class ListedChain(Protocol):
    """An option chain listed under its underlying. It is a `Listed` as well."""

    def index(self) -> dict[str, Any]:
        """Name, price and time (epoch ms) of the index."""

    def tickers(self) -> Iterable[dict[str, Any]]:
        """The newest ticker of every listed option."""

    def instruments(self) -> Iterable[dict[str, Any]]:
        """Every listed option as the venue describes it."""

    def forwards(self) -> dict[str, float]:
        """The model's forward by expiry."""

    def roll(self, time_ms: int) -> Iterable[Publication]:
        """Expire the nearest expiry and list a further one."""


@runtime_checkable
class HasMarket(Protocol):
    """A `Listed` with the model of a book."""

    market: Market


@runtime_checkable
class ResetsIds(Protocol):
    """A `Listed` whose ids can restart."""

    def reset_ids(self, first_id: int) -> None:
        """Continue with ids from `first_id` on."""


@runtime_checkable
class HasFillers(Protocol):
    """A `Listed` with frames of trades that are no trades."""

    def queue_fillers(self, count: int) -> None:
        """Publish `count` fillers with the next step."""

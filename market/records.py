"""The records that cross topics, as msgspec Structs. Field names are contracts: they change by adding.

Times are epoch milliseconds UTC unless the name says `_us`. Prices are in the quote currency; sizes in base units
(Deribit: USD for perpetuals and inverse futures, coin for options). Prices and sizes are doubles: every venue prints at
most 15 significant digits, so one lexeme is one double and order is kept. `None` means undefined, and the `flags` of a
record say why; it is never replaced by zero or by the last value.
"""

from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType

Event = Literal["connected", "disconnected", "dropped"]
State = Literal["synced", "gap", "stale", "untrusted"]
Side = Literal["buy", "sell"]


class Envelope(Struct, frozen=True, gc=False, omit_defaults=True):
    """One raw record: what an exchange said, verbatim, with where and when it was heard.

    Exactly one of `frame` (the venue's JSON bytes), `frame_text` (a frame that is not JSON) and `event` is set.
    `seq` counts from 0, without holes, per connection, topic and symbol, from each subscription on.
    `frames` goes with the event `dropped`: how many frames the forwarder had to let go.
    """

    venue: str
    channel: str
    symbol: str
    conn: str
    seq: int
    recv_us: int
    frame: Raw | UnsetType = UNSET
    frame_text: str | UnsetType = UNSET
    event: Event | UnsetType = UNSET
    frames: int | UnsetType = UNSET


class Processed(Struct, frozen=True, gc=False):
    """Metrics of one symbol's book after one applied update; topic `orderbook.processed`."""

    venue: str
    symbol: str
    event_time: int
    recv_us: int
    update_id: int
    best_bid: float | None
    best_bid_size: float | None
    best_ask: float | None
    best_ask_size: float | None
    mid: float | None
    microprice: float | None
    spread: float | None
    spread_bps: float | None
    bid_depth: float
    ask_depth: float
    imbalance: float | None
    weighted_imbalance: float | None
    vtob: float | None
    ofi: float | None
    levels_bid: int
    levels_ask: int
    depth: int
    flags: list[str]


class TopOfBook(Struct, frozen=True, gc=False):
    """The best levels of one book, best first, at most one record per symbol and batch; topic `orderbook.books`."""

    venue: str
    symbol: str
    event_time: int
    recv_us: int
    update_id: int
    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]


class Trade(Struct, frozen=True, gc=False):
    """One trade; `side` is the aggressor's; topic `trades`."""

    venue: str
    symbol: str
    event_time: int
    recv_us: int
    trade_id: str
    price: float
    size: float
    side: Side


class Status(Struct, frozen=True, gc=False):
    """A change of a book's or chain's state; topic `orderbook.status`.

    `expected` and `actual` are sequence ids or checksums.
    """

    venue: str
    symbol: str
    event_time: int
    state: State
    reason: str
    conn: str | None = None
    expected: int | None = None
    actual: int | None = None


class Resync(Struct, frozen=True, gc=False):
    """A request for a fresh snapshot of one symbol; topic `orderbook.resync`.

    `since`: when the book was lost, epoch ms.
    """

    venue: str
    symbol: str
    conn: str | None
    reason: str
    since: int


class Alert(Struct, frozen=True, gc=False):
    """A rule of docs/alerts.md that begins, worsens or ends on a symbol; topic `orderbook.alerts`.

    `id` is `rule|venue|symbol|episode|phase`; `episode` is the event time of the `enter`, epoch ms.
    """

    id: str
    venue: str
    symbol: str
    rule: str
    severity: str
    phase: str
    episode: int
    event_time: int
    value: float | None
    threshold: float | None
    message: str


class DeadLetter(Struct, frozen=True, gc=False):
    """What could not be used, where it lies, and why; topic `deadletter`. `value_b64` holds the first 64 KiB."""

    reason: str
    where: str
    topic: str
    partition: int
    offset: int
    length: int
    sha256: str
    value_b64: str

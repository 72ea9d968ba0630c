"""Records of all topics, as msgspec Structs. Field names are contracts: fields may be added, not renamed.

Times are epoch milliseconds UTC; names in `_us` are microseconds. Prices are in quote currency. Sizes are in base
units; inverse contracts (perpetuals and futures settled in coin) count USD. Prices and sizes are doubles: venues print
at most 15 significant digits, so different decimals are different doubles, in the same order. `None` means undefined;
the `flags` of a record name the reason. An undefined value is never replaced by zero or by the last value.
"""

from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType

ConnectionEvent = Literal["connected", "disconnected", "dropped"]
BookState = Literal["synced", "gap", "stale", "untrusted"]
TakerSide = Literal["buy", "sell"]


class Envelope(Struct, frozen=True, gc=False, omit_defaults=True):
    """One raw record: a frame of an exchange, verbatim, with its connection and receive time.

    Exactly one of `frame` (JSON bytes from the venue), `frame_text` (a frame that is not JSON) and `event` is set.
    `seq` counts from 0 without gaps per connection, topic and symbol, and restarts with each subscription.
    `frames` belongs to the event `dropped`: number of frames that the forwarder had to discard.
    """

    venue: str
    channel: str
    symbol: str
    conn: str
    seq: int
    recv_us: int
    frame: Raw | UnsetType = UNSET
    frame_text: str | UnsetType = UNSET
    event: ConnectionEvent | UnsetType = UNSET
    frames: int | UnsetType = UNSET


class Processed(Struct, frozen=True, gc=False):
    """Metrics of one symbol's book after one applied update; topic `orderbook.processed`. Formulas: docs/metrics.md."""

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
    """Best levels of one book, best first, at most one record per symbol and batch; topic `orderbook.books`."""

    venue: str
    symbol: str
    event_time: int
    recv_us: int
    update_id: int
    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]


class Trade(Struct, frozen=True, gc=False):
    """One trade; topic `trades`. `side`: the taker bought or sold."""

    venue: str
    symbol: str
    event_time: int
    recv_us: int
    trade_id: str
    price: float
    size: float
    side: TakerSide


class Status(Struct, frozen=True, gc=False):
    """Change of the state of a book or option chain; topic `orderbook.status`.

    `expected` and `actual` are sequence ids or checksums.
    """

    venue: str
    symbol: str
    event_time: int
    state: BookState
    reason: str
    conn: str | None = None
    expected: int | None = None
    actual: int | None = None


class Resync(Struct, frozen=True, gc=False):
    """Request for a new snapshot of one symbol; topic `orderbook.resync`.

    `since`: receive time at which the book was lost, epoch ms.
    """

    venue: str
    symbol: str
    conn: str | None
    reason: str
    since: int


class Alert(Struct, frozen=True, gc=False):
    """Begin, escalation or end of an alert on a symbol (docs/alerts.md); topic `orderbook.alerts`.

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
    """Rejected value with its position and the reason; topic `deadletter`. `value_b64`: its first 64 KiB.

    If one row of a reply was rejected, `value_b64` is that row; `length` and `sha256` describe the whole value. For a
    record that the database cannot store, `where` names its fields, `length` is 0, and `sha256` and `value_b64` are
    empty: it is on its topic, and a letter about it may be repeated.
    """

    reason: str
    where: str
    topic: str
    partition: int
    offset: int
    length: int
    sha256: str
    value_b64: str

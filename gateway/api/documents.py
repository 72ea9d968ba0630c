"""Bodies of the answers about accounts, books, trades, alerts and rules."""

from typing import TypeAlias

from msgspec import Struct

from core.records import Alert, BookState
from gateway.freshness import Freshness

Level: TypeAlias = tuple[float, float]


class UserView(Struct):
    """An account. `role`: viewer, analyst or admin."""

    id: str
    username: str
    role: str
    disabled: bool = False


class Session(Struct):
    """Tokens of an account; `expires_in` in seconds belongs to `token`. A refresh token works once."""

    token: str
    refresh_token: str
    expires_in: int
    user: UserView


class LoginCode(Struct):
    """A code that logs in once, within `expires_in` seconds."""

    code: str
    expires_in: int


class Invited(Struct):
    """An invitation, which registers one account with its role within seven days."""

    invitation: str
    role: str


class UserList(Struct):
    users: list[UserView]


class Product(Struct):
    """An underlying with options, or a book. `size_unit`: a coin, or the currency that its contracts count."""

    type: str
    venue: str
    symbol: str
    size_unit: str


class Products(Struct):
    products: list[Product]


class Book(Struct):
    """Metrics and best levels of a book, best first; from the database the best alone, and no `recv_us`."""

    venue: str
    symbol: str
    event_time: int
    update_id: int
    best_bid: float | None
    best_ask: float | None
    mid: float | None
    imbalance: float | None
    bids: list[Level]
    asks: list[Level]


class NewestBookAnswer(Struct):
    book: Book
    freshness: Freshness


class BookList(Struct):
    count: int
    books: list[NewestBookAnswer]


class WindowRow(Struct):
    """One window of a book (docs/metrics.md); `time`: its start, epoch ms."""

    time: int
    updates: int
    imbalance_open: float | None
    imbalance_high: float | None
    imbalance_low: float | None
    imbalance_close: float | None
    imbalance_mean: float | None
    imbalance_twa: float | None
    spread_twa: float | None
    spread_bps_mean: float | None
    bid_depth_mean: float | None
    ask_depth_mean: float | None
    ofi_sum: float | None
    microprice_last: float | None
    out_of_sync: float | None


class History(Struct, kw_only=True):
    """Windows, oldest first. `next`: cursor of the following page, null at the end."""

    venue: str
    symbol: str
    resolution: str
    count: int
    windows: list[WindowRow]
    next: str | None
    freshness: Freshness


class TradeRow(Struct):
    """Trades of one second, minute or hour; `signed_volume`: taker buys less taker sells."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    notional: float
    vwap: float | None
    signed_volume: float
    trades: int
    buys: int


class Trades(Struct, kw_only=True):
    """Trade bars, oldest first. `next`: cursor of the following page, null at the end."""

    venue: str
    symbol: str
    resolution: str
    count: int
    trades: list[TradeRow]
    next: str | None
    freshness: Freshness


class Alerts(Struct, kw_only=True):
    """Alerts, newest first. `next`: cursor of the following page, null at the end."""

    count: int
    alerts: list[Alert]
    next: str | None
    freshness: Freshness


class StateRow(Struct):
    """State of a book or chain since a time (epoch ms)."""

    venue: str
    symbol: str
    trusted: bool
    state: BookState | None
    reason: str | None
    since: int | None
    age_ms: int | None


class Status(Struct):
    """State of every book and chain; `trusted`: all of them are."""

    trusted: bool
    count: int
    books: list[StateRow]


class QualityRow(Struct):
    """Quality of a book: share of the time in sync, gaps, and the longest time out of sync in seconds.

    `latency_p50_ms`, `latency_p99_ms`: over the seconds with updates, from the receipt of the last update at the
    forwarder to the publication of the second, which waits for the next update. Null for a replay.
    """

    venue: str
    symbol: str
    seconds: int
    in_sync_share: float | None
    gaps: int
    longest_out_of_sync_s: float | None
    latency_p50_ms: float | None
    latency_p99_ms: float | None


class Quality(Struct):
    since: int
    count: int
    books: list[QualityRow]
    freshness: Freshness


class RuleRow(Struct):
    """Thresholds of a rule for a book (`venue:symbol`) or all (`*`); `…_set`: by an operator, else the default."""

    rule: str
    book: str
    medium: float
    high: float
    held_ms: int
    cooldown_s: float
    medium_set: bool
    high_set: bool
    held_ms_set: bool
    cooldown_s_set: bool
    medium_default: float
    high_default: float
    held_ms_default: int
    cooldown_s_default: float
    unit: str


class Rules(Struct):
    rules: list[RuleRow]


class Health(Struct):
    """State of the process: `ok`, or the part that is unavailable."""

    status: str
    parts: dict[str, bool]

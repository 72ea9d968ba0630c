"""Records of one book over an interval of event time: ticks of 100 ms, windows and trade bars.

Field names are contracts: fields may be added, not renamed. Times are epoch ms UTC; sizes and prices as in
`core/records.py`. None means undefined.
"""

from typing import Literal

from msgspec import Struct

from core.records import BookState, Processed

TICK_MS = 100
WindowSize = Literal["1s", "10s", "1m"]


class BookTick(Struct, frozen=True, gc=False, tag_field="kind", tag="book"):
    """The updates of a book within 100 ms of event time, a change of its state, or a quiet second.

    Topic `orderbook.ticks`, `kind` is `book`. `seq` numbers the book ticks of a key from 0 without gaps; it restarts
    when the job starts without saved state. A tick covers [`start`, `end`), which begins where the tick before it
    ended, so also the quiet time before its updates: up to 1.1 s while heartbeats come. `state` holds throughout: a
    change of state ends a tick, and the next one, of length 0, has the new state and its `reason`. While a book is
    quiet, a tick without updates follows every second, up to `STALE_AFTER_S`.

    The fields from `event_time` to `flags` are those of the last processed record, `event_time` of a tick without
    updates is its own; they are null before the first record. `one_sided`: a side was empty after an update of this
    tick. `late`: number of updates and changes of state that are older than a tick published before; they count in this
    tick.

    Opens, extremes, closes, sums and counts are those of the updates in which the value is defined. `*_integral`: value
    times ms, over the `valid_ms` of the covered time in which the book was in sync and two-sided. `bid_jump`,
    `ask_jump`: the largest change of the side's depth from one update to the next, signed. `ofi_sum`: null without a
    defined value; `ofi_count`: number of updates with one. The others follow a snapshot or have an empty side.

    The remaining fields describe the time before the tick's own second, since the last loss of the book: `*_mean_5s`,
    mean depth over the updates of the five whole seconds before; `ofi_1s`, order flow of the last 1,000 ms, this tick
    included; `*_5m`, over whole seconds of the five minutes before: median of their mean spreads, mean and standard
    deviation (of the population) of their order flows, and the number of seconds with a value.
    """

    venue: str
    symbol: str
    seq: int
    start: int
    end: int
    state: BookState
    reason: str
    updates: int
    late: int
    one_sided: bool
    event_time: int
    recv_us: int | None
    update_id: int | None
    best_bid: float | None
    best_bid_size: float | None
    best_ask: float | None
    best_ask_size: float | None
    mid: float | None
    microprice: float | None
    spread: float | None
    spread_bps: float | None
    bid_depth: float | None
    ask_depth: float | None
    imbalance: float | None
    weighted_imbalance: float | None
    vtob: float | None
    ofi: float | None
    levels_bid: int | None
    levels_ask: int | None
    depth: int | None
    flags: list[str]
    imbalance_open: float | None = None
    imbalance_high: float | None = None
    imbalance_low: float | None = None
    imbalance_close: float | None = None
    imbalance_sum: float = 0.0
    imbalance_count: int = 0
    weighted_imbalance_open: float | None = None
    weighted_imbalance_high: float | None = None
    weighted_imbalance_low: float | None = None
    weighted_imbalance_close: float | None = None
    weighted_imbalance_sum: float = 0.0
    weighted_imbalance_count: int = 0
    spread_bps_open: float | None = None
    spread_bps_high: float | None = None
    spread_bps_low: float | None = None
    spread_bps_close: float | None = None
    spread_bps_sum: float = 0.0
    spread_bps_count: int = 0
    valid_ms: int = 0
    out_of_sync_ms: int = 0
    imbalance_integral: float = 0.0
    spread_integral: float = 0.0
    bid_depth_low: float | None = None
    bid_depth_high: float | None = None
    bid_depth_sum: float = 0.0
    ask_depth_low: float | None = None
    ask_depth_high: float | None = None
    ask_depth_sum: float = 0.0
    bid_jump: float = 0.0
    ask_jump: float = 0.0
    ofi_sum: float | None = None
    ofi_1s: float | None = None
    updates_5s: int = 0
    bid_depth_mean_5s: float | None = None
    ask_depth_mean_5s: float | None = None
    spread_bps_median_5m: float | None = None
    spread_seconds_5m: int = 0
    ofi_mean_5m: float | None = None
    ofi_std_5m: float | None = None
    ofi_seconds_5m: int = 0
    ofi_count: int = 0


class TradeTick(Struct, frozen=True, gc=False, tag_field="kind", tag="trade"):
    """The trades of one symbol in 100 ms of event time, [`start`, `end`); topic `orderbook.ticks`, `kind` is `trade`.

    `seq` numbers the trade ticks of a key from 0. `event_time`, `recv_us`: those of the last trade. `late`: number of
    trades that are older than a tick published before; they count in this tick. Open and close follow the order of the
    topic. `notional`: sum of price times size. `signed_volume`: taker buys less taker sells. `buy_levels`,
    `sell_levels`: the largest number of price levels that takers of that side took within one millisecond.
    """

    venue: str
    symbol: str
    seq: int
    start: int
    end: int
    late: int
    event_time: int
    recv_us: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    notional: float
    signed_volume: float
    trades: int
    buys: int
    buy_levels: int
    sell_levels: int


class Window(Struct, frozen=True, gc=False):
    """Windowed metrics of one book; topic `orderbook.windows`.

    Windows of 1 s and 1 min follow one another; one of 10 s begins every second. A window in which the book was neither
    updated nor out of sync has no record. Means are those of updates; `*_twa` are averages over the time in which the
    book was in sync and two-sided; a value counts until the next update, also across seconds without updates.
    `out_of_sync`: share of the window. `late`: sum of its ticks.
    `last`: in windows of 1 s the last processed record of the window, null without updates; null in other sizes.
    """

    venue: str
    symbol: str
    size: WindowSize
    window_start: int
    window_end: int
    updates: int
    imbalance_open: float | None = None
    imbalance_high: float | None = None
    imbalance_low: float | None = None
    imbalance_close: float | None = None
    imbalance_mean: float | None = None
    imbalance_twa: float | None = None
    weighted_imbalance_open: float | None = None
    weighted_imbalance_high: float | None = None
    weighted_imbalance_low: float | None = None
    weighted_imbalance_close: float | None = None
    weighted_imbalance_mean: float | None = None
    spread_twa: float | None = None
    spread_bps_mean: float | None = None
    bid_depth_mean: float | None = None
    ask_depth_mean: float | None = None
    ofi_sum: float | None = None
    microprice_last: float | None = None
    out_of_sync: float | None = None
    late: int = 0
    last: Processed | None = None


class TradeBar(Struct, frozen=True, gc=False):
    """The trades of one symbol in one second of event time, as the sum of its trade ticks; topic `trades.bars`.

    `vwap`: notional over volume. The other fields are those of trade ticks.
    """

    venue: str
    symbol: str
    window_start: int
    window_end: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    notional: float
    vwap: float
    signed_volume: float
    trades: int
    buys: int
    late: int = 0

"""Ticks of the trades of one symbol by their own clock, and bars of one second (`TradeTick`, `TradeBar`).

The order of trades and book updates is not repeatable, so each kind is a function of its own records. The trades of
100 ms of event time are one tick; it closes with the first trade of a later 100 ms, and a bar with the first trade of a
later second. Timers publish the same records earlier (`poll`), and so do the batches of a book whose trades are fresh
(`poll_batch`): a busy book has many of them. A trade that is older than a published record belongs to the next one. A
trade that is older by more than `STALE_AFTER_S` sets the clock back.
"""

from collections.abc import Sequence
from operator import mul

import msgspec
from msgspec import Struct

from core.records import Trade
from market.orderbook.quiet_clock import QuietClock
from market.orderbook.tick_clock import CLOSE_AFTER_MS, MAX_LATE, SECOND_MS, open_span, tick_end
from market.orderbook.tick_records import TICK_MS, TradeTick
from market.orderbook.trade_bars import Bar, add_tick, record_of

TRADE_BYTES = 300  # memory of a trade of the open tick
CLOSE_BAR_AFTER_MS = 1500  # a timer closes the open second this long after the last trade
# A batch of the book closes the open tick this long after the last trade, by at least three calls: a task that was
# blocked has trades to read. Trades of a backlog are not fresh, and may be read long after the book.
CLOSE_BY_BATCH_MS, LONGEST_BATCH_STEP_MS, FRESH_MS = 250, 100, 1_000
_encode = msgspec.json.Encoder().encode
OpenTrade = tuple[int, int, float, float, bool]  # event_time, recv_us, price, size; the taker bought


class TradeHeader(Struct, array_like=True):
    """State that changes with every batch of trades.

    `published_until`: end of the last published record, -1 before the first. `open_until`: end of the open tick, 0
    without one. `late`: number of its late trades. `trades`: number of trades up to now. `bar`: sums of the open
    second.
    """

    seq: int = 0
    published_until: int = -1
    open_until: int = 0
    late: int = 0
    trades: int = 0
    bar: Bar | None = None


class TradeChanges(Struct, array_like=True, gc=False):
    """Changes since the last entry of the journal. A tick that `closed` takes the trades before it.

    `trades`: new trades of the open tick.
    """

    header: TradeHeader
    closed: bool
    trades: list[OpenTrade]


class TradeTicks:
    """Ticks and bars of one symbol's trades. `lines`, `bar_lines`: encoded records, taken by the caller."""

    __slots__ = (
        *("_closed", "_saved_trades", "_set_back_ms", "_symbol", "_trades", "_venue"),
        *("bar_lines", "changed", "header", "lines"),
    )

    def __init__(self, venue: str, symbol: str, stale_after_s: float) -> None:
        self._venue = venue
        self._symbol = symbol
        self._set_back_ms = int(stale_after_s * SECOND_MS)
        self.header = TradeHeader()
        self.lines: list[bytes] = []
        self.bar_lines: list[bytes] = []
        self._trades: list[OpenTrade] = []  # those of the open tick
        self._saved_trades = 0
        self._closed = self.changed = False

    @property
    def memory_bytes(self) -> int:
        """Estimated size in memory."""
        return len(self._trades) * TRADE_BYTES

    @property
    def needs_timer(self) -> bool:
        """True while a timer may publish something."""
        return self.header.open_until > 0 or self.header.bar is not None

    def apply(self, trades: Sequence[Trade]) -> None:
        """Add the trades of a batch."""
        if not trades:
            return
        self.changed = True
        self.header.trades += len(trades)
        start, until = self._span()
        for trade in trades:
            if not start <= trade.event_time < until:
                self._open(trade.event_time)
                start, until = self._span()
            self._trades.append((trade.event_time, trade.recv_us, trade.price, trade.size, trade.side == "buy"))

    def poll(self, now_ms: int, clock: QuietClock) -> None:
        """Publish what is due at a timer's time, on any clock that runs at the pace of the venue's."""
        header = self.header
        quiet_ms = clock.quiet_ms(now_ms, header.trades)
        if header.open_until and quiet_ms >= CLOSE_AFTER_MS:
            self._close()
        if header.bar is not None and not header.open_until and quiet_ms >= CLOSE_BAR_AFTER_MS:
            end = header.bar.start + SECOND_MS
            self._close_bar()
            header.published_until = end

    def due_in_ms(self, clock: QuietClock) -> int:
        """Time without trades after which `poll` publishes something, while this `needs_timer`."""
        return (CLOSE_AFTER_MS if self.header.open_until else CLOSE_BAR_AFTER_MS) - clock.quiet

    def poll_batch(self, now_ms: int, clock: QuietClock) -> bool:
        """Publish the open tick if it is due at the time of a batch (epoch ms). True if it was."""
        if not self._trades or abs(now_ms - self._trades[-1][1] // 1000) >= FRESH_MS:
            return False
        if clock.quiet_ms(now_ms, self.header.trades, LONGEST_BATCH_STEP_MS) < CLOSE_BY_BATCH_MS:
            return False
        self._close()
        return True

    def _span(self) -> tuple[int, int]:
        return open_span(self.header.published_until, self.header.open_until)

    def _open(self, event_time: int) -> None:
        """Make the open tick the one that takes a trade of this time."""
        header = self.header
        if event_time < self._span()[0] - self._set_back_ms:
            self._finish()
        late = event_time < header.published_until
        if header.open_until and (event_time >= header.open_until or header.late == MAX_LATE):
            self._close()
        if not header.open_until:
            at = max(event_time, header.published_until)
            if header.bar is not None and at >= header.bar.start + SECOND_MS:
                self._close_bar()
            header.open_until = tick_end(at)
        header.late += late

    def _finish(self) -> None:
        """Publish everything: the next trade is of a much earlier time."""
        if self.header.open_until:
            self._close()
        if self.header.bar is not None:
            self._close_bar()
        self.header.published_until = -1

    def _close(self) -> None:
        """Publish the open tick, and add it to its bar."""
        header = self.header
        tick = tick_of(self._venue, self._symbol, header, self._trades)
        self.lines.append(_encode(tick))
        header.bar = add_tick(header.bar, tick)
        header.seq += 1
        header.published_until = header.open_until
        header.open_until = header.late = 0
        self._trades, self._saved_trades = [], 0
        self._closed = self.changed = True

    def _close_bar(self) -> None:
        bar, self.header.bar = self.header.bar, None
        assert bar is not None
        self.bar_lines.append(_encode(record_of(self._venue, self._symbol, bar)))
        self.changed = True

    def take_changes(self, everything: bool) -> TradeChanges | None:
        """Changes since the last call, or the whole state; None without a change, and before the first trade."""
        if not self.header.trades or not (self.changed or everything):
            return None
        trades = self._trades[0 if everything else self._saved_trades :]
        changes = TradeChanges(self.header, self._closed or everything, trades)
        self._saved_trades, self._closed, self.changed = len(self._trades), False, False
        return changes

    def restore(self, changes: TradeChanges) -> None:
        """Apply the next entry of the journal."""
        if changes.closed:
            self._trades = []
        self._trades.extend(changes.trades)
        self._saved_trades = len(self._trades)
        self.header = changes.header


def tick_of(venue: str, symbol: str, header: TradeHeader, trades: Sequence[OpenTrade]) -> TradeTick:
    """The open tick with these trades, in the order of the topic."""
    times, received, prices, sizes, buys = zip(*trades, strict=True)
    volume, bought = sum(sizes), sum([size for size, buy in zip(sizes, buys, strict=True) if buy], 0.0)
    return TradeTick(
        venue,
        symbol,
        header.seq,
        header.open_until - TICK_MS,
        header.open_until,
        header.late,
        times[-1],
        received[-1],
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
        volume,
        sum(map(mul, prices, sizes)),
        2 * bought - volume,
        len(trades),
        sum(buys),
        _levels(trades, True),
        _levels(trades, False),
    )


def _levels(trades: Sequence[OpenTrade], buy: bool) -> int:
    """Largest number of prices at which takers of this side traded within one millisecond."""
    prices: dict[int, set[float]] = {}
    for event_time, _, price, _, bought in trades:
        if bought == buy:
            prices.setdefault(event_time, set()).add(price)
    return max(map(len, prices.values()), default=0)

"""Alerts of one book, from its ticks in their order.

The clock of the rules is the book's own: the event time of its book ticks, which follow every second while the book
is quiet. `trade_sweep` follows the trade ticks alone, because the order of the two kinds is not repeatable.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from market.alerts import book_readings as readings
from market.alerts.book_readings import Memory
from market.alerts.episode import Limits
from market.alerts.episodes import Episodes, RuleChange, advance, end_all, read
from market.alerts.inputs import STATE_VALUES
from market.orderbook.tick_records import BookTick, TradeTick

BOOK_RULES = (
    "extreme_imbalance",
    "imbalance_flip",
    "spread_widening",
    "liquidity_withdrawal",
    "order_flow_burst",
    "wall_vanished",
    "book_stale",
    "trade_sweep",
)
KEPT = ("book_stale", "trade_sweep")  # rules that do not rest on the book's content
TRADE_LAG_MS = 60_000  # trade ticks follow the book's clock within this time


class BookAlerts(Struct, array_like=True):
    """State of the rules of one book. `seq`, `clock`: number of the last tick and latest event time, of each kind.

    `stale_began`: time of the last episode of `book_stale`.
    """

    seq: int = -1
    clock: int = 0
    trade_seq: int = -1
    trade_clock: int = 0
    memory: Memory = field(default_factory=Memory)
    episodes: Episodes = field(default_factory=dict)
    stale_began: int = 0

    def apply(self, tick: BookTick | TradeTick, limits: Mapping[str, Limits], set_back_ms: int) -> Iterator[RuleChange]:
        """Changes that a tick makes. A repeated tick, whose number and time are both known already, makes none.

        A new tick that is older than the last one by more than `set_back_ms` sets the clock of its kind back: its
        episodes end, and everything begins anew.
        """
        if isinstance(tick, BookTick):
            if tick.seq > self.seq and tick.end < self.clock - set_back_ms:
                yield from end_all(self.episodes, self.clock, limits, ("trade_sweep",))
                self.clock, self.memory, self.stale_began = tick.start, Memory(), 0
            yield from self._apply_book(tick, limits)
        else:
            if tick.seq > self.trade_seq and tick.event_time < self.trade_clock - set_back_ms:
                yield from end_all(self.episodes, self.trade_clock, limits, tuple(set(BOOK_RULES) - {"trade_sweep"}))
                self.trade_clock = tick.event_time
            yield from self._apply_trades(tick, limits)

    def _apply_book(self, tick: BookTick, limits: Mapping[str, Limits]) -> Iterator[RuleChange]:
        if tick.seq <= self.seq and tick.end <= self.clock:
            return
        time, episodes = max(self.clock, tick.event_time), self.episodes
        self.seq, self.clock = tick.seq, max(time, tick.end)
        until = self.clock
        yield from self._read_state(time, STATE_VALUES[tick.state], limits["book_stale"], until)
        if tick.state != "synced":
            self.memory = Memory()
            yield from end_all(episodes, time, limits, KEPT)
        elif tick.updates or self.memory.known:
            self.memory.known = True
            for rule, value in self._content(tick, time, limits["imbalance_flip"].medium):
                if rule in episodes or abs(value) >= limits[rule].medium:
                    yield from read(episodes, rule, time, value, limits[rule], until)
        yield from advance(episodes, "trade_sweep", until - TRADE_LAG_MS, limits["trade_sweep"])

    def _read_state(self, time: int, value: float, limits: Limits, until: int) -> Iterator[RuleChange]:
        """Apply a state. An episode begins after the last one, since a book can be lost twice at one time."""
        time = max(time, self.stale_began + ("book_stale" not in self.episodes))
        yield from read(self.episodes, "book_stale", time, value, limits, max(time, until))
        episode = self.episodes.get("book_stale")
        if episode is not None and episode.began is not None:
            self.stale_began = episode.began

    def _content(self, tick: BookTick, time: int, flip_medium: float) -> tuple[tuple[str, float], ...]:
        """Values of the rules over the book's content; a book without levels on a side raises no alert."""
        memory, two_sided = self.memory, not readings.is_one_sided(tick)
        imbalance = readings.imbalance(tick) if two_sided else 0.0
        return (
            ("extreme_imbalance", imbalance),
            ("imbalance_flip", memory.flip.read(time, imbalance, flip_medium)),
            ("spread_widening", readings.spread_ratio(tick) if two_sided else 0.0),
            ("liquidity_withdrawal", readings.withdrawn(tick) if two_sided else 0.0),
            ("order_flow_burst", readings.order_flow(tick) if two_sided else 0.0),
            ("wall_vanished", readings.wall_vanished(tick, time, memory)),
        )

    def _apply_trades(self, tick: TradeTick, limits: Mapping[str, Limits]) -> Iterator[RuleChange]:
        if tick.seq <= self.trade_seq and tick.event_time <= self.trade_clock:
            return
        time = max(self.trade_clock, tick.event_time)
        self.trade_seq, self.trade_clock = tick.seq, max(time, tick.end)
        yield from read(self.episodes, "trade_sweep", time, readings.swept(tick), limits["trade_sweep"])
        yield from read(self.episodes, "trade_sweep", self.trade_clock, 0.0, limits["trade_sweep"])

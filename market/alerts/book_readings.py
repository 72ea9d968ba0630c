"""Values that the rules read from the ticks of one book with levels on both sides. An undefined value reads 0."""

from msgspec import Struct, field

from market.alerts.walls import Best, WallSide
from market.orderbook.tick_records import BookTick, TradeTick

HISTORY_S = 60  # seconds of history before a value is compared with it
FEWEST_UPDATES = 10  # in the five seconds that depth is compared with
FLIP_MS = 5_000


class Flip(Struct, array_like=True, gc=False):
    """The last imbalance at the medium threshold, its time, and the value of a flip while the imbalance stays."""

    strong: float = 0.0
    strong_at: int = 0
    value: float = 0.0

    def read(self, time: int, imbalance: float, medium: float) -> float:
        """Value of the flip: the smaller of the sizes before and after it, with the new sign; 0 without one."""
        if abs(imbalance) >= medium:
            if imbalance * self.strong < 0:
                size = min(abs(imbalance), abs(self.strong)) if time - self.strong_at <= FLIP_MS else 0.0
                self.value = size if imbalance > 0 else -size
            self.strong, self.strong_at = imbalance, time
        elif abs(imbalance) < 0.9 * medium or imbalance * self.value < 0:
            self.value = 0.0
        return self.value


class Memory(Struct, array_like=True):
    """Past of a book that ticks do not carry. `known`: the book was updated since it was lost."""

    known: bool = False
    bid: WallSide = field(default_factory=WallSide)
    ask: WallSide = field(default_factory=WallSide)
    flip: Flip = field(default_factory=Flip)


def is_one_sided(tick: BookTick) -> bool:
    """A side was empty in the tick, or is empty since."""
    return tick.one_sided or "one_sided" in tick.flags or "empty" in tick.flags


def breaks_depth(tick: BookTick) -> bool:
    """Depths before and after the tick cannot be compared: by a snapshot, an empty side, or levels of unknown size."""
    followed_snapshot = "ofi_seed" in tick.flags or 0 < tick.ofi_count < tick.updates
    return followed_snapshot or is_one_sided(tick) or "beyond_known_range" in tick.flags


def imbalance(tick: BookTick) -> float:
    """The imbalance that was kept through the whole tick; 0 if its sign changed."""
    low, high = (tick.imbalance_low, tick.imbalance_high) if tick.updates else (tick.imbalance, tick.imbalance)
    if low is None or high is None:
        return 0.0
    return low if low > 0 else high if high < 0 else 0.0


def spread_ratio(tick: BookTick) -> float:
    """Mean spread of the tick in bps over its median of five minutes, after 60 seconds of history."""
    median = tick.spread_bps_median_5m
    if not median or tick.spread_seconds_5m < HISTORY_S:
        return 0.0
    if tick.spread_bps_count:
        return tick.spread_bps_sum / tick.spread_bps_count / median
    return 0.0 if tick.updates or tick.spread_bps is None else tick.spread_bps / median


def withdrawn(tick: BookTick) -> float:
    """Share of depth that the side which lost less has lost: least depth against the mean of the last five seconds.

    0 if that side has gained depth.
    """
    bid, ask = (tick.bid_depth_low, tick.ask_depth_low) if tick.updates else (tick.bid_depth, tick.ask_depth)
    bid_mean, ask_mean = tick.bid_depth_mean_5s, tick.ask_depth_mean_5s
    if bid is None or ask is None or not bid_mean or not ask_mean or tick.updates_5s < FEWEST_UPDATES:
        return 0.0
    return max(min(1 - bid / bid_mean, 1 - ask / ask_mean), 0.0)


def order_flow(tick: BookTick) -> float:
    """Order flow of the last second in standard deviations from the mean of five minutes, after 60 seconds."""
    flow, mean, deviation = tick.ofi_1s, tick.ofi_mean_5m, tick.ofi_std_5m
    if flow is None or mean is None or not deviation or tick.ofi_seconds_5m < HISTORY_S:
        return 0.0
    return (flow - mean) / deviation


def wall_vanished(tick: BookTick, time: int, memory: Memory) -> float:
    """Depth with a wall over depth without it, of the larger of those that the tick removed; negative for asks."""
    if not tick.updates:
        return 0.0
    bid_low, ask_low = tick.bid_depth_low, tick.ask_depth_low
    if breaks_depth(tick) or not bid_low or not ask_low:
        memory.bid.forget()
        memory.ask.forget()
        return 0.0
    best_bid, best_ask = _best_levels(tick)
    bid = memory.bid.removed(time, bid_low, tick.bid_depth_high or bid_low, best_bid)
    ask = memory.ask.removed(time, ask_low, tick.ask_depth_high or ask_low, best_ask)
    return bid if bid >= ask else -ask


def _best_levels(tick: BookTick) -> tuple[Best | None, Best | None]:
    """Best bid and best ask after a tick."""
    if tick.best_bid is None or tick.best_ask is None or tick.spread is None:
        return None, None
    bid = Best(tick.best_bid, tick.best_bid_size or 0.0, tick.spread)
    return bid, Best(-tick.best_ask, tick.best_ask_size or 0.0, tick.spread)


def swept(tick: TradeTick) -> float:
    """Largest number of price levels that one side took within one millisecond; negative for sellers."""
    return float(tick.buy_levels if tick.buy_levels >= tick.sell_levels else -tick.sell_levels)

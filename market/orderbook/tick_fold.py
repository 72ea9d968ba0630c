"""Sums of the updates of one tick."""

from collections.abc import Sequence

from msgspec import Struct

from core.records import Processed
from market.orderbook.tick_sums import NOTHING, Carried, Sums

# An update as `fold` takes it: the values of `update_of`.
Update = tuple[int, float | None, float | None, float | None, float | None, float, float, float | None, float | None]
Extent = tuple[float | None, float | None, float | None, float | None, float, int]
NO_EXTENT: Extent = (None, None, None, None, 0.0, 0)


def update_of(row: Processed) -> Update:
    """The values of a record that ticks sum. Written out: `attrgetter` takes three times as long."""
    return (
        row.event_time,
        row.imbalance,
        row.weighted_imbalance,
        row.spread,
        row.spread_bps,
        row.bid_depth,
        row.ask_depth,
        row.ofi,
        row.microprice,
    )


class Fold(Struct, frozen=True, gc=False):
    """Updates of one tick: their sums, and what only the tick has. `carried`: the values after the last one."""

    sums: Sums
    one_sided: bool
    spread_bps: Extent
    bid_low: float | None
    bid_high: float | None
    ask_low: float | None
    ask_high: float | None
    bid_jump: float
    ask_jump: float
    carried: Carried


NO_UPDATES = Fold(NOTHING, False, NO_EXTENT, None, None, None, None, 0.0, 0.0, Carried())


def fold(updates: Sequence[Update], late: int, start: int, end: int, before: Carried) -> Fold:
    """Sums of the updates of a tick. An update applies from its time, or that of an earlier one if that is later.

    `start`: time from which the integrals reach to `end`; `before` applies up to the first update. One long loop: a
    pass for each figure takes three times as long, and with ten updates a second nearly every one is a tick.
    """
    imbalance_open = imbalance_high = imbalance_low = imbalance_close = None
    weighted_open = weighted_high = weighted_low = weighted_close = None
    bps_open = bps_high = bps_low = bps_close = microprice_last = None
    imbalance_sum = weighted_sum = bps_sum = ofi_sum = bid_sum = ask_sum = 0.0
    imbalance_count = weighted_count = bps_count = ofi_count = 0
    bid_up = bid_down = ask_up = ask_down = 0.0
    bid_low = bid_high = updates[0][5]
    ask_low = ask_high = updates[0][6]
    last_bid = bid_low if before.bid_depth is None else before.bid_depth
    last_ask = ask_low if before.ask_depth is None else before.ask_depth
    one_sided = False
    valid_ms, imbalance_integral, spread_integral = 0, 0.0, 0.0
    at = first = max(start, updates[0][0])
    imbalance = spread = None
    for time, next_imbalance, weighted, next_spread, bps, bid, ask, ofi, microprice in updates:
        if time > at:
            if spread is not None and imbalance is not None:
                ms = time - at
                valid_ms += ms
                imbalance_integral += ms * imbalance
                spread_integral += ms * spread
            at = time
        imbalance, spread = next_imbalance, next_spread
        if imbalance is not None:
            imbalance_close = imbalance
            imbalance_sum += imbalance
            imbalance_count += 1
            if imbalance_high is None or imbalance_low is None:
                imbalance_open = imbalance_high = imbalance_low = imbalance
            elif imbalance > imbalance_high:
                imbalance_high = imbalance
            elif imbalance < imbalance_low:
                imbalance_low = imbalance
        if weighted is not None:
            weighted_close = weighted
            weighted_sum += weighted
            weighted_count += 1
            if weighted_high is None or weighted_low is None:
                weighted_open = weighted_high = weighted_low = weighted
            elif weighted > weighted_high:
                weighted_high = weighted
            elif weighted < weighted_low:
                weighted_low = weighted
        if bps is not None:
            bps_close = bps
            bps_sum += bps
            bps_count += 1
            if bps_high is None or bps_low is None:
                bps_open = bps_high = bps_low = bps
            elif bps > bps_high:
                bps_high = bps
            elif bps < bps_low:
                bps_low = bps
        if spread is None:
            one_sided = True
        if ofi is not None:
            ofi_sum += ofi
            ofi_count += 1
        if microprice is not None:
            microprice_last = microprice
        bid_sum += bid
        if bid > bid_high:
            bid_high = bid
        elif bid < bid_low:
            bid_low = bid
        change = bid - last_bid
        if change > bid_up:
            bid_up = change
        elif change < bid_down:
            bid_down = change
        last_bid = bid
        ask_sum += ask
        if ask > ask_high:
            ask_high = ask
        elif ask < ask_low:
            ask_low = ask
        change = ask - last_ask
        if change > ask_up:
            ask_up = change
        elif change < ask_down:
            ask_down = change
        last_ask = ask
    if end > at and spread is not None and imbalance is not None:
        ms = end - at
        valid_ms += ms
        imbalance_integral += ms * imbalance
        spread_integral += ms * spread
    out_of_sync_ms, before_ms = 0, first - start
    if before_ms and before.imbalance is not None and before.spread is not None:
        valid_ms += before_ms
        imbalance_integral += before_ms * before.imbalance
        spread_integral += before_ms * before.spread
    elif before.lost:
        out_of_sync_ms = before_ms
    sums = Sums(
        1,
        len(updates),
        late,
        imbalance_open,
        imbalance_high,
        imbalance_low,
        imbalance_close,
        imbalance_sum,
        imbalance_count,
        weighted_open,
        weighted_high,
        weighted_low,
        weighted_close,
        weighted_sum,
        weighted_count,
        bps_sum,
        bps_count,
        bid_sum,
        ask_sum,
        ofi_sum,
        ofi_count,
        microprice_last,
        valid_ms,
        out_of_sync_ms,
        imbalance_integral,
        spread_integral,
    )
    return Fold(
        sums,
        one_sided,
        (bps_open, bps_high, bps_low, bps_close, bps_sum, bps_count),
        bid_low,
        bid_high,
        ask_low,
        ask_high,
        bid_up if bid_up >= -bid_down else bid_down,
        ask_up if ask_up >= -ask_down else ask_down,
        Carried(None if spread is None else imbalance, spread, last_bid, last_ask),
    )

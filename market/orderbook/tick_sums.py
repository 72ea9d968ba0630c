"""Sums over an interval of a book's time; sums of consecutive intervals combine to those of the whole.

Sums of the updates of one tick come from `fold` (`tick_fold.py`); those of seconds and windows from `combine`.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace


class Carried(Struct, array_like=True, frozen=True, gc=False):
    """Values that apply until the next update. None: the book is out of sync or one-sided, or has no update yet.

    `bid_depth`, `ask_depth`: of the last update since the last loss of the book, None without one. `lost`: the state
    is not synced.
    """

    imbalance: float | None = None
    spread: float | None = None
    bid_depth: float | None = None
    ask_depth: float | None = None
    lost: bool = False


class Sums(Struct, array_like=True, frozen=True, gc=False):
    """Sums of an interval; fields as in BookTick (`market/orderbook/tick_records.py`). `ticks`: number of ticks."""

    ticks: int = 0
    updates: int = 0
    late: int = 0
    imbalance_open: float | None = None
    imbalance_high: float | None = None
    imbalance_low: float | None = None
    imbalance_close: float | None = None
    imbalance_sum: float = 0.0
    imbalance_count: int = 0
    weighted_open: float | None = None
    weighted_high: float | None = None
    weighted_low: float | None = None
    weighted_close: float | None = None
    weighted_sum: float = 0.0
    weighted_count: int = 0
    spread_bps_sum: float = 0.0
    spread_bps_count: int = 0
    bid_depth_sum: float = 0.0
    ask_depth_sum: float = 0.0
    ofi_sum: float = 0.0
    ofi_count: int = 0
    microprice_last: float | None = None
    valid_ms: int = 0
    out_of_sync_ms: int = 0
    imbalance_integral: float = 0.0
    spread_integral: float = 0.0


NOTHING = Sums()


def combine(parts: Sequence[Sums]) -> Sums:
    """Sums of consecutive intervals, in their order. Most intervals of a quiet book have no update."""
    if len(parts) == 1:
        return parts[0]
    ticks = late = valid_ms = out_of_sync_ms = 0
    imbalance_integral = spread_integral = 0.0
    for part in parts:
        ticks += part.ticks
        late += part.late
        valid_ms += part.valid_ms
        out_of_sync_ms += part.out_of_sync_ms
        imbalance_integral += part.imbalance_integral
        spread_integral += part.spread_integral
    updated = [part for part in parts if part.updates] or [NOTHING]
    return replace(
        updated[0] if len(updated) == 1 else _combine_updates(updated),
        ticks=ticks,
        late=late,
        valid_ms=valid_ms,
        out_of_sync_ms=out_of_sync_ms,
        imbalance_integral=imbalance_integral,
        spread_integral=spread_integral,
    )


def _combine_updates(parts: Sequence[Sums]) -> Sums:
    """Sums of the updates of consecutive intervals, without ticks, late records and time."""
    updates = imbalance_count = weighted_count = spread_bps_count = ofi_count = 0
    imbalance_sum = weighted_sum = spread_bps_sum = bid_depth_sum = ask_depth_sum = ofi_sum = 0.0
    for part in parts:
        updates += part.updates
        imbalance_sum += part.imbalance_sum
        imbalance_count += part.imbalance_count
        weighted_sum += part.weighted_sum
        weighted_count += part.weighted_count
        spread_bps_sum += part.spread_bps_sum
        spread_bps_count += part.spread_bps_count
        bid_depth_sum += part.bid_depth_sum
        ask_depth_sum += part.ask_depth_sum
        ofi_sum += part.ofi_sum
        ofi_count += part.ofi_count
    return Sums(
        0,
        updates,
        0,
        first([part.imbalance_open for part in parts]),
        largest([part.imbalance_high for part in parts]),
        least([part.imbalance_low for part in parts]),
        last([part.imbalance_close for part in parts]),
        imbalance_sum,
        imbalance_count,
        first([part.weighted_open for part in parts]),
        largest([part.weighted_high for part in parts]),
        least([part.weighted_low for part in parts]),
        last([part.weighted_close for part in parts]),
        weighted_sum,
        weighted_count,
        spread_bps_sum,
        spread_bps_count,
        bid_depth_sum,
        ask_depth_sum,
        ofi_sum,
        ofi_count,
        last([part.microprice_last for part in parts]),
    )


def held(carried: Carried, ms: int, ticks: int = 0) -> Sums:
    """Sums of an interval without updates in which these values apply. `ticks`: number of ticks that end in it."""
    if carried.lost:
        return Sums(ticks, out_of_sync_ms=ms)
    if carried.imbalance is None or carried.spread is None:
        return Sums(ticks)
    return Sums(
        ticks,
        valid_ms=ms,
        imbalance_integral=carried.imbalance * ms,
        spread_integral=carried.spread * ms,
    )


def first(values: Sequence[float | None]) -> float | None:
    """The first value that is not None."""
    value = values[0]
    return value if value is not None else next((value for value in values if value is not None), None)


def last(values: Sequence[float | None]) -> float | None:
    """The last value that is not None."""
    value = values[-1]
    return value if value is not None else next((value for value in reversed(values) if value is not None), None)


def largest(values: Sequence[Any]) -> float | None:
    """The largest value that is not None."""
    try:
        return max(values)  # type: ignore[no-any-return]
    except TypeError:
        return max((value for value in values if value is not None), default=None)


def least(values: Sequence[Any]) -> float | None:
    """The least value that is not None."""
    try:
        return min(values)  # type: ignore[no-any-return]
    except TypeError:
        return min((value for value in values if value is not None), default=None)

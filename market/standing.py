"""The moments of one book in one window, in the order of their time: where they open and close, how long each stood."""

from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple


class Standing(NamedTuple):
    """Figures of one window, times in ms. A moment counts while the book is in sync and its imbalance and spread exist.

    The areas are sums of value times ms over `counted_ms`; `out_ms` is the time out of sync; none reaches before
    `first_ms`, the earliest moment. The `last_` fields say what stands at the window's end, for whoever carries it on:
    values are 0 unless `last_counted` is 1. Opens and closes are the first and last that are not None.
    """

    first_ms: int
    counted_ms: int
    imbalance_area: float
    spread_area: float
    out_ms: int
    last_counted: int
    last_imbalance: float
    last_spread: float
    last_out: int
    imbalance_open: float | None
    imbalance_close: float | None
    weighted_open: float | None
    weighted_close: float | None
    microprice_close: float | None


SYNCED, UPDATED, LOST = 0, 1, 2  # what a moment was, in the order in which things happen within one millisecond
# Time in ms, what it was; imbalance, spread, weighted imbalance, microprice.
Moment = tuple[float, float, float | None, float | None, float | None, float | None]
IMBALANCE, WEIGHTED, MICROPRICE = 2, 4, 5
_place = itemgetter(0, 1)


def standing(given: Iterable[Moment], end_ms: int) -> Standing:
    """Figures of the moments in [first moment, end_ms), each standing until the next one; at least one moment.

    They come in any order, since books and states come from two topics; of updates in one millisecond the last stands.
    """
    moments = sorted(given, key=_place)
    counted_ms = out_ms = 0.0
    imbalance_area = spread_area = 0.0
    ends = [*map(itemgetter(0), moments[1:]), end_ms]
    for (time, what, imbalance, spread, _, _), until in zip(moments, ends, strict=True):
        if what == LOST:
            out_ms += until - time
        elif imbalance is not None and spread is not None:
            counted_ms += until - time
            imbalance_area += imbalance * (until - time)
            spread_area += spread * (until - time)
    _, what, imbalance, spread, _, _ = moments[-1]
    counts = what != LOST and imbalance is not None and spread is not None
    return Standing(
        int(moments[0][0]),
        int(counted_ms),
        imbalance_area,
        spread_area,
        int(out_ms),
        int(counts),
        (imbalance or 0.0) if counts else 0.0,
        (spread or 0.0) if counts else 0.0,
        int(what == LOST),
        _first(moments, IMBALANCE),
        _first(reversed(moments), IMBALANCE),
        _first(moments, WEIGHTED),
        _first(reversed(moments), WEIGHTED),
        _first(reversed(moments), MICROPRICE),
    )


def _first(moments: Iterable[Moment], column: int) -> float | None:
    return next((moment[column] for moment in moments if moment[column] is not None), None)

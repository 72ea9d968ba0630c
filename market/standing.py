"""The moments of one book in one window, in the order of their time: where they open and close, how long each stood."""

from collections.abc import Iterable, Sequence
from operator import le
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


Values = Sequence["float | None"]


def standing(
    times_ms: Sequence[int],
    updates: Sequence[int],
    in_sync: Sequence[int],
    imbalances: Values,
    spreads: Values,
    weighted: Values,
    microprices: Values,
    end_ms: int,
) -> Standing:
    """Figures of the moments in [first moment, end_ms), each standing until the next one; at least one moment.

    `updates` is 1 for an update of the book and 0 for a change of its state, `in_sync` 0 when that lost the book.
    Moments come in any order. In one millisecond a book is synced, then updated, then lost, since books and states come
    from two topics; of its updates the last one given stands.
    """
    columns = (times_ms, in_sync, imbalances, spreads, weighted, microprices)
    if 0 in updates or not all(map(le, times_ms, times_ms[1:])):
        ranks = [2 * (1 - synced) + update for update, synced in zip(updates, in_sync, strict=True)]
        order = sorted(range(len(ranks)), key=lambda at: (times_ms[at], ranks[at]))
        columns = tuple([column[at] for at in order] for column in columns)  # type: ignore[assignment]
    times_ms, in_sync, imbalances, spreads, weighted, microprices = columns
    counted_ms = out_ms = 0
    imbalance_area = spread_area = 0.0
    for time, until, synced, imbalance, spread in zip(
        times_ms, [*times_ms[1:], end_ms], in_sync, imbalances, spreads, strict=True
    ):
        if not synced:
            out_ms += until - time
        elif imbalance is not None and spread is not None:
            counted_ms += until - time
            imbalance_area += imbalance * (until - time)
            spread_area += spread * (until - time)
    counts = bool(in_sync[-1]) and imbalances[-1] is not None and spreads[-1] is not None
    return Standing(
        times_ms[0],
        counted_ms,
        imbalance_area,
        spread_area,
        out_ms,
        int(counts),
        (imbalances[-1] or 0.0) if counts else 0.0,
        (spreads[-1] or 0.0) if counts else 0.0,
        int(not in_sync[-1]),
        _first(imbalances),
        _first(reversed(imbalances)),
        _first(weighted),
        _first(reversed(weighted)),
        _first(reversed(microprices)),
    )


def _first(values: Iterable[float | None]) -> float | None:
    return next((value for value in values if value is not None), None)

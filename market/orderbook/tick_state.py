"""State of the ticks of one book, as the journal has it."""

from typing import Any, NamedTuple

from msgspec import Struct

from core.records import BookState, Processed
from market.orderbook.tick_fold import Update
from market.orderbook.tick_sums import Carried
from market.orderbook.windows import WindowChanges

Row = tuple[Any, ...]  # a record without venue and symbol
NO_ROW: Row = (*[None] * 19, ())  # of a tick before the first record, without the time


def row_of(row: Processed) -> Row:
    """The values of a record without venue and symbol. Written out: `attrgetter` takes ten times as long."""
    return (
        row.event_time,
        row.recv_us,
        row.update_id,
        row.best_bid,
        row.best_bid_size,
        row.best_ask,
        row.best_ask_size,
        row.mid,
        row.microprice,
        row.spread,
        row.spread_bps,
        row.bid_depth,
        row.ask_depth,
        row.imbalance,
        row.weighted_imbalance,
        row.vtob,
        row.ofi,
        row.levels_bid,
        row.levels_ask,
        row.depth,
        row.flags,
    )


class StateChange(NamedTuple):
    """A change of the book's state; `place`: number of the batch's updates before it."""

    place: int
    state: BookState
    reason: str
    event_time: int


class TickHeader(Struct, array_like=True):
    """State that changes with every batch.

    `published_until`: end of the last published tick, -1 before the first. `open_until`: end of the open tick, 0
    without one. `late`: number of its late updates. `heartbeats`: number of ticks since `quiet_since`, the end of the
    last other tick. `events`: number of updates and changes of state. `flows`: order flow of the ticks that ended in
    the last second, at `flow_ends`.
    """

    seq: int = 0
    published_until: int = -1
    open_until: int = 0
    late: int = 0
    quiet_since: int = 0
    heartbeats: int = 0
    events: int = 0
    state: BookState = "synced"
    reason: str = ""
    carried: Carried = Carried()
    flow_ends: list[int] = []
    flows: list[float] = []


class TickChanges(Struct, array_like=True, gc=False):
    """Changes since the last entry of the journal. A tick that closed takes the updates before it.

    `closed`: the last record of the ticks that closed, None without one. `updates`: new updates of the open tick;
    `last`: its last record.
    """

    header: TickHeader
    closed: Row | None
    updates: list[Update]
    last: Row | None
    windows: WindowChanges

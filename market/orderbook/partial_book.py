"""Books of partial streams: every message has all of the best levels and replaces the book, so ids need no chain."""

from msgspec import Struct

from market.orderbook.book import Book
from market.orderbook.book_side import Level
from market.orderbook.record_writer import RecordWriter
from market.orderbook.sync_state import RESET_AFTER_MS, Origin, Phase, SyncState

NO_CHAIN = 2**63 - 1  # id of a book of partial messages: every update of the complete book is older


class PartialState(Struct, array_like=True):
    """`active`: the book is made of partial messages. Id and time (epoch ms) of the newest one."""

    active: bool = False
    newest_id: int = 0
    newest_ms: int = 0


class PartialMessage(Struct, gc=False):
    """The best levels of one symbol. `event_ms`: the venue's time, 0 where it sends none."""

    number: int
    event_ms: int
    bids: list[Level]
    asks: list[Level]


def apply_partial(
    message: PartialMessage, state: PartialState, book: Book, sync: SyncState, writer: RecordWriter, origin: Origin
) -> bool:
    """Publish one message with the flag `partial`; False if it is old, or the whole book comes on another channel."""
    at = message.event_ms or origin.recv_us // 1000
    is_old = message.number <= state.newest_id and not _begins_anew(message, state, sync, origin, at)
    if (not state.active and sync.state.phase is not Phase.EMPTY) or (is_old and sync.synced):
        if state.active and message.number == state.newest_id:
            sync.mark_fresh(origin, at)
            sync.confirm(origin)
        writer.counts.skipped += 1
        return False
    if message.number < state.newest_id:
        writer.restart_order_flow()  # ids began anew
    state.active, state.newest_id, state.newest_ms = True, message.number, at
    book.replace(message.bids, message.asks)
    if book.crossed():
        writer.counts.crossed += 1
        sync.mark_gap(origin, at, "crossed", request=False)
        book.clear()
        return True
    if not sync.synced:
        sync.mark_synced(origin, at)
    elif sync.state.stale:
        sync.mark_fresh(origin, at)
    writer.publish(
        book, message.number, at, origin.recv_us, ("partial",) if message.event_ms else ("partial", "receive_time")
    )
    return True


def _begins_anew(message: PartialMessage, state: PartialState, sync: SyncState, origin: Origin, at: int) -> bool:
    """True for a lower id with a much later time, which proves that the ids began anew.

    A message without a time has that of its receipt, which is compared with those of its own connection alone: another
    host's clock may be ahead. A stale book takes one from any connection.
    """
    comparable = message.event_ms or origin.conn == sync.applied.conn or sync.state.stale
    return bool(comparable) and message.number < state.newest_id and at > state.newest_ms + RESET_AFTER_MS

"""Output of a job as pairs of topic and JSON lines."""

import base64
import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from core import topics
from core.records import DeadLetter
from core.topics import Topic
from market.options.chain_batch import ChainBatch
from market.orderbook.book_batch import Batch
from market.reject_all import Reject

DEAD_LETTER_BYTES = 64 * 1024  # a dead letter has the start of the rejected value
OutputLines = Iterable[tuple[Topic, Sequence[bytes]]]


def book_lines(batch: Batch) -> OutputLines:
    """Output of one batch of a book, without its rejects: lines of each topic in order."""
    return (
        (topics.PROCESSED, batch.processed),
        (topics.TRADES, batch.trades),
        (topics.BOOKS, (batch.book,) if batch.book is not None else ()),
        (topics.STATUS, batch.statuses),
        (topics.RESYNC, batch.resyncs),
        (topics.TICKS, batch.ticks),
        (topics.TICKS, batch.trade_ticks),
        (topics.WINDOWS, batch.windows),
        (topics.TRADE_BARS, batch.bars),
    )


def chain_lines(batch: ChainBatch) -> OutputLines:
    """Output of one batch of a chain, without its rejects: lines of each topic in order."""
    return (
        (topics.OPTION_CHAINS, batch.chains),
        (topics.OPTION_SURFACES, batch.surfaces),
        (topics.UNDERLYING_TICKS, batch.ticks),
        (topics.STATUS, batch.statuses),
    )


def status_lines(status: bytes | None) -> OutputLines:
    """Output of one status, if any."""
    return ((topics.STATUS, (status,) if status is not None else ()),)


def dead_letter(reject: Reject, topic: str, partition: int, offset: int, value: bytes | None) -> bytes:
    """One reject as a JSON line: reason, position, length and digest of the value, and its first 64 KiB.

    Of a value that was used except for a row, the row takes the place of the first 64 KiB.
    """
    data = value or b""
    start = base64.b64encode((reject.row or data)[:DEAD_LETTER_BYTES]).decode()
    digest = hashlib.sha256(data).hexdigest()
    return msgspec.json.encode(
        DeadLetter(reject.reason, reject.where, topic, partition, offset, len(data), digest, start)
    )

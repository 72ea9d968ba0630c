"""What a job says, as (topic, JSON lines)."""

import base64
import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from market import topics
from market.batch import Batch, Reject
from market.options.batch import ChainBatch
from market.records import DeadLetter
from market.topics import Topic

KEPT_BYTES = 64 * 1024
Said = Iterable[tuple[Topic, Sequence[bytes]]]


def book_lines(batch: Batch) -> Said:
    """What a book's batch says, each topic's lines in order; rejects apart."""
    return (
        (topics.PROCESSED, batch.processed),
        (topics.TRADES, batch.trades),
        (topics.BOOKS, (batch.book,) if batch.book is not None else ()),
        (topics.STATUS, batch.statuses),
        (topics.RESYNC, batch.resyncs),
    )


def chain_lines(batch: ChainBatch) -> Said:
    """What a chain's batch says, each topic's lines in order; rejects apart."""
    return (
        (topics.OPTION_CHAINS, batch.chains),
        (topics.OPTION_SURFACES, batch.surfaces),
        (topics.UNDERLYING_TICKS, batch.ticks),
        (topics.STATUS, batch.statuses),
    )


def status_lines(status: bytes | None) -> Said:
    """A status that there may be."""
    return ((topics.STATUS, (status,) if status is not None else ()),)


def dead_letter(reject: Reject, topic: str, partition: int, offset: int, value: bytes | None) -> bytes:
    """One reject as a JSON line: why, where it lies, its length and digest, and its first 64 KiB."""
    held = value or b""
    kept = base64.b64encode(held[:KEPT_BYTES]).decode()
    digest = hashlib.sha256(held).hexdigest()
    return msgspec.json.encode(
        DeadLetter(reject.reason, reject.where, topic, partition, offset, len(held), digest, kept)
    )

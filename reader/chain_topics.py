"""Option chain from the topics `options.chain` and `options.surface`."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from core.envelope import DECODE_ERRORS
from core.errors import UserError
from core.settings import Settings
from core.topics import OPTION_CHAINS, OPTION_SURFACES
from market.options.records import ChainRecord, SurfaceRecord
from reader.chain_snapshot import ChainSnapshot, newest_complete
from reader.topic_admin import open_consumer, tail

# Records of `options.chain` to read from the end of each partition. A larger number is tried if the smaller one has no
# complete second. A chain that is not among the newest ABSENT_AFTER while other chains are has no records.
TAIL_RECORDS = (200, 5_000, 100_000)
ABSENT_AFTER = 5_000
OPTIONS_PER_EXPIRY = 20  # records of `options.surface` to read for each record of `options.chain`
OptionRecord = TypeVar("OptionRecord", ChainRecord, SurfaceRecord)


def read_topics(underlying: str, settings: Settings) -> ChainSnapshot:
    """Chain at the newest second that the topics contain completely.

    Raises `UserError` when the broker does not answer or no such second is among the newest records.
    """
    chains, surfaces = (settings.topic_prefix + topic.name for topic in (OPTION_CHAINS, OPTION_SURFACES))
    others: set[str] = set()
    with open_consumer(settings) as kafka:
        for count in TAIL_RECORDS:
            records = list(_newest(kafka, chains, count, ChainRecord))
            others |= {record.underlying for record in records}
            if underlying in others:
                options = _newest(kafka, surfaces, OPTIONS_PER_EXPIRY * count, SurfaceRecord)
                snapshot = newest_complete(_of(records, underlying), _of(options, underlying))
                if snapshot is not None:
                    return snapshot
            elif others and count >= ABSENT_AFTER:
                break
    known = f"; its newest records are of {', '.join(sorted(others - {underlying}))}" if others - {underlying} else ""
    raise UserError(
        f"topic {chains} has no complete second of {underlying}{known}: start the options job and a forwarder with "
        f"--chains {underlying}"
    )


def _of(records: Iterable[OptionRecord], underlying: str) -> Iterator[OptionRecord]:
    return (record for record in records if record.underlying == underlying)


def _newest(kafka: Any, topic: str, count: int, record: type[OptionRecord]) -> Iterator[OptionRecord]:
    """Records among the last `count` of each partition, in order within a partition."""
    decode = msgspec.json.Decoder(record).decode
    for message in tail(kafka, topic, count, follow=False):
        try:
            yield decode(message.value)
        except DECODE_ERRORS:
            continue

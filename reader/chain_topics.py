"""An option chain from the topics `options.chain` and `options.surface`."""

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from ingestion.topic_admin import consumer, tail
from market.errors import UserError
from market.options.records import ChainRecord, SurfaceRecord
from market.settings import Settings
from market.topics import OPTION_CHAINS, OPTION_SURFACES
from reader.chain_snapshot import Snapshot, newest_whole

REACHES = (200, 5_000, 100_000)  # seconds' worth of a chain's expiries: how far back to look, and then how much further
LEGS = 20  # options for each expiry, at the least that makes the reach of both topics alike
Record = TypeVar("Record", ChainRecord, SurfaceRecord)


def read_topics(underlying: str, settings: Settings) -> Snapshot:
    """The chain's newest second that the topics hold whole.

    Raises `UserError` when the broker does not answer, or has no such second within reach.
    """
    chains, surfaces = (settings.topic_prefix + topic.name for topic in (OPTION_CHAINS, OPTION_SURFACES))
    with consumer(settings) as kafka:
        for reach in REACHES:
            found = newest_whole(
                _newest(kafka, chains, reach, ChainRecord, underlying),
                _newest(kafka, surfaces, LEGS * reach, SurfaceRecord, underlying),
            )
            if found is not None:
                return found
    raise UserError(
        f"the topic {chains} has no whole second of {underlying}: does the options job run, and a forwarder with "
        "--chains?"
    )


def _newest(kafka: Any, topic: str, reach: int, record: type[Record], underlying: str) -> Iterator[Record]:
    """Records of the underlying among the last `reach` of each partition, in order within one."""
    decode = msgspec.json.Decoder(record).decode
    for found in tail(kafka, topic, reach, follow=False):
        try:
            decoded = decode(found.value)
        except msgspec.DecodeError:
            continue
        if decoded.underlying == underlying:
            yield decoded

"""An option chain from the topics `options.chain` and `options.surface`."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, TypeVar

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from market.errors import UserError
from market.kafka import manner, python_client
from market.options.records import ChainRecord, SurfaceRecord
from market.settings import Settings
from market.topics import MAX_RECORD_BYTES, OPTION_CHAINS, OPTION_SURFACES, Topic
from reader.chain_snapshot import Snapshot, newest_whole

REACHES = (200, 5_000, 100_000)  # seconds' worth of a chain's expiries: how far back to look, and then how much further
LEGS = 20  # options for each expiry, at the least that makes the reach of both topics alike
PATIENCE_MS = 10_000
Record = TypeVar("Record", ChainRecord, SurfaceRecord)


def read_topics(underlying: str, settings: Settings) -> Snapshot:
    """The chain's newest second that the topics hold whole.

    Raises `UserError` when the broker does not answer, or has no such second within reach.
    """
    client = python_client(settings)
    try:
        consumer = KafkaConsumer(
            **client,
            enable_auto_commit=False,
            max_partition_fetch_bytes=MAX_RECORD_BYTES,
            bootstrap_timeout_ms=PATIENCE_MS,
        )
    except KafkaError as error:
        raise UserError(
            f"no Kafka broker at {settings.kafka_bootstrap_servers}{manner(client)} ({error}): start one with "
            "`depthflow up`, or set KAFKA_BOOTSTRAP_SERVERS"
        ) from None
    with closing(consumer):
        for reach in REACHES:
            found = newest_whole(
                _newest(consumer, settings, OPTION_CHAINS, reach, ChainRecord, underlying),
                _newest(consumer, settings, OPTION_SURFACES, LEGS * reach, SurfaceRecord, underlying),
            )
            if found is not None:
                return found
    raise UserError(
        f"the topic {settings.topic_prefix}{OPTION_CHAINS.name} has no whole second of {underlying}: does the options "
        "job run, and a forwarder with --chains?"
    )


def _newest(
    consumer: Any, settings: Settings, topic: Topic, reach: int, record: type[Record], underlying: str
) -> Iterator[Record]:
    """Records of the underlying among the last `reach` of each partition, in order within one."""
    decode = msgspec.json.Decoder(record).decode
    name = settings.topic_prefix + topic.name
    partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
    begins, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    consumer.assign(partitions)
    for partition in partitions:
        consumer.seek(partition, max(begins[partition], ends[partition] - reach))
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for batch in consumer.poll(PATIENCE_MS, max_records=5_000).values():
            for found in batch:
                try:
                    decoded = decode(found.value or b"")
                except msgspec.DecodeError:
                    continue
                if decoded.underlying == underlying:
                    yield decoded

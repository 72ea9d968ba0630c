"""Books over PyFlink as its documentation shows it: `key_by`, one call into Python for each frame, Kafka's connectors.

It publishes the processed records only, and reads no trades: less than the books job does.
"""

import sys
from collections.abc import Iterator
from typing import Any

import msgspec
from pyflink.common import SimpleStringSchema, Types, WatermarkStrategy
from pyflink.datastream import KeyedProcessFunction, RuntimeContext, StreamExecutionEnvironment
from pyflink.datastream.connectors.base import DeliveryGuarantee
from pyflink.datastream.connectors.kafka import (
    KafkaOffsetsInitializer,
    KafkaRecordSerializationSchema,
    KafkaSink,
    KafkaSource,
)

from core.records import Envelope
from core.settings import Settings
from core.topics import record_key
from jobs import builder_specs
from jobs.keyed_state import StateBackedBuilders
from market.orderbook.book_config import BookConfig

JOB = "naive"
CACHE_BYTES = 256 * 1024**2


class Books(KeyedProcessFunction):
    """Applies one frame to the builder of its key, and saves the change."""

    def open(self, runtime_context: RuntimeContext) -> None:
        self._builders = StateBackedBuilders[Any](
            runtime_context, builder_specs.books(BookConfig(), 30_000), CACHE_BYTES
        )

    def process_element(self, value: str, ctx: KeyedProcessFunction.Context) -> Iterator[str]:
        builder = self._builders.load(ctx.get_current_key())
        batch = builder.apply_all((value.encode(),))
        self._builders.save(builder)
        return (line.decode() for line in batch.processed)


def key_of(value: str) -> str:
    """Key of a raw record."""
    envelope = msgspec.json.decode(value, type=Envelope)
    return record_key(envelope.venue, envelope.symbol)


def main() -> None:
    """Build the job from a source topic, a sink topic and the environment's settings, and execute it."""
    source, sink = sys.argv[1:3]
    settings = Settings()
    environment = StreamExecutionEnvironment.get_execution_environment()
    raw = environment.from_source(_source(settings, source), WatermarkStrategy.no_watermarks(), source)
    records = raw.key_by(key_of, Types.STRING()).process(Books(), Types.STRING())
    records.sink_to(_sink(settings, sink))
    environment.execute(settings.topic_prefix + JOB)


def _source(settings: Settings, topic: str) -> KafkaSource:
    return (
        KafkaSource.builder()
        .set_bootstrap_servers(settings.kafka_bootstrap_servers)
        .set_topics(topic)
        .set_group_id(f"{settings.topic_prefix}{JOB}")
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_value_only_deserializer(SimpleStringSchema())
        .build()
    )


def _sink(settings: Settings, topic: str) -> KafkaSink:
    serializer = KafkaRecordSerializationSchema.builder().set_topic(topic)
    return (
        KafkaSink.builder()
        .set_bootstrap_servers(settings.kafka_bootstrap_servers)
        .set_record_serializer(serializer.set_value_serialization_schema(SimpleStringSchema()).build())
        .set_delivery_guarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .set_transactional_id_prefix(f"{settings.topic_prefix}{JOB}")
        .set_property("transaction.timeout.ms", str(1000 * settings.transaction_timeout_s))
        .set_property("compression.type", "lz4")
        .build()
    )


if __name__ == "__main__":
    main()

"""The topic `alert.rules`, read to its end."""

from dataclasses import dataclass, field

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from core.errors import UserError
from core.kafka_client import connect, no_broker_message, python_client_options
from core.settings import Settings
from core.topics import RULES

POLL_MS = 1_000


class RulesUnread(UserError):
    """The topic of the rules cannot be read; the text names the cause."""


@dataclass(frozen=True)
class RuleRecords:
    """The newest record of each key (`rule|book`), and the offset of each partition's next record."""

    values: dict[str, bytes | None] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)


def read_rule_records(settings: Settings) -> RuleRecords:
    """All records of the topic up to its present end; empty if there is no topic yet.

    Raises RulesUnread if no broker responds.
    """
    client, topic = python_client_options(settings), settings.topic_prefix + RULES.name
    try:
        consumer = connect(KafkaConsumer, client, enable_auto_commit=False)
        try:
            return _read(consumer, topic)
        finally:
            consumer.close()
    except (KafkaError, OSError) as error:
        raise RulesUnread(no_broker_message(client, error)) from error


def _read(consumer: KafkaConsumer, topic: str) -> RuleRecords:
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
    if not partitions:
        return RuleRecords()
    consumer.assign(partitions)
    ends = {each.partition: end for each, end in consumer.end_offsets(partitions).items()}
    consumer.seek_to_beginning(*partitions)
    values: dict[str, bytes | None] = {}
    while any(consumer.position(each) < ends[each.partition] for each in partitions):
        for each, records in consumer.poll(POLL_MS).items():
            known = (record for record in records if record.offset < ends[each.partition])
            values |= {(record.key or b"").decode(errors="replace"): record.value for record in known}
    return RuleRecords(values, ends)

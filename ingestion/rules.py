"""Thresholds that an operator set: the compacted topic `alert.rules`, read whole and written a record at a time."""

from dataclasses import asdict

import msgspec

from ingestion.producer import ProducerConfig, RawProducer
from ingestion.topic_admin import consumer, tail
from market.alert_rules import Thresholds
from market.kafka import python_client
from market.settings import Settings
from market.topics import RULES

EVERY = 1 << 62  # more records than a partition has
Overrides = dict[tuple[str, str], Thresholds]  # by rule and book


def read_overrides(settings: Settings) -> Overrides:
    """What is set now. A record that is no pair of thresholds is passed over, as the job does."""
    found: Overrides = {}
    with consumer(settings) as reader:
        for record in tail(reader, settings.topic_prefix + RULES.name, EVERY, follow=False):
            rule, _, book = record.key.decode(errors="replace").partition("|")
            found.pop((rule, book), None)
            if (held := _thresholds(record.value)) is not None:
                found[rule, book] = held
    return found


def write_override(settings: Settings, rule: str, book: str, held: Thresholds | None) -> None:
    """Set the thresholds of a rule on a book (`venue:symbol`, or `*`); None takes them away.

    Returns when the broker has them. Raises DeliveryError when it does not.
    """
    producer = RawProducer.connect(
        ProducerConfig(settings.kafka_bootstrap_servers, settings.topic_prefix, python_client(settings))
    )
    value = None if held is None else msgspec.json.encode(asdict(held))
    producer.write(RULES.name, f"{rule}|{book}".encode(), value)
    producer.close()


def _thresholds(value: bytes) -> Thresholds | None:
    try:
        return msgspec.json.decode(value, type=Thresholds) if value else None
    except msgspec.DecodeError:
        return None

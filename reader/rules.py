"""Alert thresholds set by operators: reads and writes the compacted topic `alert.rules`."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import msgspec

from core.kafka_client import python_client_options
from core.settings import Settings
from core.topics import RULES
from market.alerts.rule_table import Overrides, apply_record, effective_thresholds
from market.alerts.rules import ALL_BOOKS, NAMES, Rule, Thresholds, alert_rules


def read_overrides(settings: Settings) -> Overrides:
    """Current overrides. Records without valid thresholds are skipped, as in the alerts job."""
    from reader.topic_admin import open_consumer, read_since  # not at the top: the gateway seldom needs Kafka's client

    rules = alert_rules(settings)
    overrides: Overrides = {}
    with open_consumer(settings) as consumer:
        for record in read_since(consumer, settings.topic_prefix + RULES.name, None):
            apply_record(overrides, rules, record.key.decode(errors="replace"), record.value)
    return overrides


def write_override(settings: Settings, rule: str, book: str, thresholds: Thresholds | None) -> None:
    """Set the thresholds of a rule for a book (`venue:symbol`, or `*` for all); None deletes them.

    Returns after the broker's acknowledgement. Raises DeliveryError without one.
    """
    from ingestion.producer import ProducerConfig, RawProducer

    producer = RawProducer.connect(
        ProducerConfig(settings.kafka_bootstrap_servers, settings.topic_prefix, python_client_options(settings))
    )
    value = None if thresholds is None else msgspec.json.encode(asdict(thresholds))
    producer.write(RULES.name, f"{rule}|{book}".encode(), value)
    producer.close()


def rule_rows(rules: dict[str, Rule], overrides: Overrides) -> Iterator[dict[str, Any]]:
    """A row for each rule, and for each book with thresholds of its own."""
    for rule in rules.values():
        books = sorted(book for name, book in overrides if name == rule.name and book != ALL_BOOKS)
        for book in (ALL_BOOKS, *books):
            own = overrides.get((rule.name, book), Thresholds())
            thresholds = effective_thresholds(rule, book, overrides)
            values = {name: getattr(thresholds, name) for name in NAMES}
            values |= {f"{name}_set": getattr(own, name) is not None for name in NAMES}
            values |= {f"{name}_default": getattr(rule.default, name) for name in NAMES}
            yield {"rule": rule.name, "book": book} | values | {"unit": rule.unit}

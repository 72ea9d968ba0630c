"""Creates missing topics; reports where existing ones differ from their definition in `core.topics`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError

from core.errors import UserError
from core.kafka_client import connect, no_broker_message
from core.topics import TOPICS, Topic

NO_SECURITY: Mapping[str, Any] = {}


class TopicsError(UserError):
    """The broker is unreachable or rejected a request; the text names the broker and the reason."""


@dataclass(frozen=True)
class Difference:
    """One setting of an existing topic that differs from `core.topics`."""

    topic: str
    setting: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"{self.topic}: expected {self.setting}={self.expected}, broker has {self.actual}"


@dataclass(frozen=True)
class TopicReport:
    """Result of `ensure_topics`. Existing topics are never altered: that is an operator's decision."""

    created: tuple[str, ...]
    differences: tuple[Difference, ...]


def ensure_topics(
    bootstrap_servers: str,
    partitions: int,
    topics: Iterable[Topic] = TOPICS,
    prefix: str = "",
    security: Mapping[str, Any] = NO_SECURITY,
) -> TopicReport:
    """Create those of `topics` that are missing, with `partitions` partitions and the broker's default replication.

    `prefix` is prepended to every name: several systems can share one broker. `security`: TLS and SASL options from
    `core.kafka_client.python_client_options`.

    Returns when every created topic has leaders. Raises TopicsError when the broker is unreachable or rejects it.
    """
    defined = {prefix + topic.name: replace(topic, name=prefix + topic.name) for topic in topics}
    client = {**security, "bootstrap_servers": bootstrap_servers}
    try:
        admin = connect(KafkaAdminClient, client)
    except (KafkaError, OSError) as error:
        raise TopicsError(no_broker_message(client, error)) from error
    try:
        existing = defined.keys() & set(admin.list_topics())
        created = tuple(name for name in defined if name not in existing)
        if created:
            admin.create_topics(
                {name: {"num_partitions": partitions, "configs": defined[name].config()} for name in created},
                wait_for_metadata=True,
            )
        differences = _compare(admin, [defined[name] for name in defined if name in existing], partitions)
        return TopicReport(created, tuple(differences))
    except KafkaError as error:
        raise TopicsError(f"the broker at {bootstrap_servers} rejected the request: {error}") from error
    finally:
        admin.close()


def _compare(admin: Any, topics: list[Topic], partitions: int) -> Iterator[Difference]:
    if not topics:
        return
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    configs = next(iter(admin.describe_configs(resources, config_filter="all").values()))
    descriptions = admin.describe_topics([topic.name for topic in topics])
    counts = {description["name"]: len(description["partitions"]) for description in descriptions}
    for topic in topics:
        actual = {name: str(entry["value"]) for name, entry in configs[topic.name].items()}
        yield from compare_topic(topic, partitions, actual | {"partitions": str(counts[topic.name])})


def compare_topic(topic: Topic, partitions: int, actual: dict[str, str]) -> Iterator[Difference]:
    """Settings of `actual` (the broker's, with the number of `partitions`, as text) that differ from `topic`."""
    for setting, expected in (topic.config() | {"partitions": str(partitions)}).items():
        if actual.get(setting) != expected:
            yield Difference(topic.name, setting, expected, actual.get(setting, "nothing"))

"""Create the topics that are missing; say where an existing one differs from what is promised."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError

from market.errors import UserError
from market.kafka import no_broker
from market.topics import TOPICS, Topic

BOOTSTRAP_MS = 10_000  # how long a broker may take to answer at all

NO_SECURITY: Mapping[str, Any] = {}


class TopicsError(UserError):
    """The broker could not be asked, or it refused to create a topic; the text says which broker and why."""


@dataclass(frozen=True)
class Difference:
    """One setting of an existing topic that is not as `market.topics` promises."""

    topic: str
    setting: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"{self.topic}: expected {self.setting}={self.expected}, broker has {self.actual}"


@dataclass(frozen=True)
class TopicReport:
    """What `ensure_topics` did and found. Existing topics are never altered: that is an operator's decision."""

    created: tuple[str, ...]
    differences: tuple[Difference, ...]


def ensure_topics(
    bootstrap_servers: str,
    partitions: int,
    topics: Iterable[Topic] = TOPICS,
    prefix: str = "",
    security: Mapping[str, Any] = NO_SECURITY,
) -> TopicReport:
    """Create what is missing among `topics`, with `partitions` partitions and the broker's default replication.

    `prefix` goes before every name: one broker may carry several systems. `security`: TLS and SASL, as
    `market.kafka.python_client` says them.

    Returns once every created topic has leaders. Raises TopicsError when the broker is away or refuses.
    """
    wanted = {prefix + topic.name: replace(topic, name=prefix + topic.name) for topic in topics}
    client = {**security, "bootstrap_servers": bootstrap_servers, "bootstrap_timeout_ms": BOOTSTRAP_MS}
    try:
        admin = KafkaAdminClient(**client)
    except KafkaError as error:
        raise TopicsError(no_broker(client, error)) from error
    try:
        existing = wanted.keys() & set(admin.list_topics())
        created = tuple(name for name in wanted if name not in existing)
        if created:
            admin.create_topics(
                {name: {"num_partitions": partitions, "configs": wanted[name].config()} for name in created},
                wait_for_metadata=True,
            )
        differences = _compare(admin, [wanted[name] for name in wanted if name in existing], partitions)
        return TopicReport(created, tuple(differences))
    except KafkaError as error:
        raise TopicsError(f"the broker at {bootstrap_servers} refused: {error}") from error
    finally:
        admin.close()


def _compare(admin: Any, topics: list[Topic], partitions: int) -> Iterator[Difference]:
    if not topics:
        return
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    configs = next(iter(admin.describe_configs(resources, config_filter="all").values()))
    counts = {found["name"]: len(found["partitions"]) for found in admin.describe_topics([t.name for t in topics])}
    for topic in topics:
        actual = {name: str(entry["value"]) for name, entry in configs[topic.name].items()}
        yield from differences(topic, partitions, actual | {"partitions": str(counts[topic.name])})


def differences(topic: Topic, partitions: int, actual: dict[str, str]) -> Iterator[Difference]:
    """Where `actual` (the broker's settings and its number of `partitions`, as text) departs from `topic`."""
    for setting, expected in (topic.config() | {"partitions": str(partitions)}).items():
        if actual.get(setting) != expected:
            yield Difference(topic.name, setting, expected, actual.get(setting, "nothing"))

"""The broker's stamps of raw and processed records, matched by key and receive time, and the times of commits."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

import msgspec
import numpy as np
from confluent_kafka import Consumer, TopicPartition
from numpy.typing import NDArray

from core.errors import UserError
from core.settings import Settings
from core.topics import PROCESSED, RAW_BOOKS, Topic

COMMIT_POLL_S = 0.02  # every 0.01 s took a tenth of a core of the broker
READ = 10_000  # records of one fetch
WAIT_S = 10.0

Floats = NDArray[np.float64]
Commit = tuple[float, tuple[int, ...]]  # epoch ms, last stable offset of each partition


class Received(msgspec.Struct, gc=False):
    """Receive time (epoch µs) of an envelope or of a record."""

    recv_us: int


@dataclass(frozen=True)
class Stamped:
    """One record: its key with the receive time, the broker's stamp (epoch ms) and its position."""

    identity: tuple[str, int]
    appended_ms: int
    partition: int
    offset: int


@dataclass(frozen=True)
class Matched:
    """Epoch ms for each processed record: append of its frame, its own append, its commit."""

    keys: NDArray[np.str_]
    sent_ms: Floats
    appended_ms: Floats
    committed_ms: Floats

    def of(self, chosen: NDArray[np.bool_]) -> "Matched":
        return Matched(self.keys[chosen], self.sent_ms[chosen], self.appended_ms[chosen], self.committed_ms[chosen])


@contextmanager
def watched_commits(settings: Settings, topic: Topic) -> Iterator[list[Commit]]:
    """Commits of a topic, observed until the block ends."""
    commits, ended = list[Commit](), Event()
    thread = Thread(target=_watch, args=(settings, topic, commits, ended), name="commits", daemon=True)
    thread.start()
    try:
        yield commits
    finally:
        ended.set()
        thread.join()


def _watch(settings: Settings, topic: Topic, commits: list[Commit], ended: Event) -> None:
    client = _consumer(settings)
    places = _places(client, settings.topic_prefix + topic.name)
    while not ended.wait(COMMIT_POLL_S):
        stable = tuple(client.get_watermark_offsets(place, timeout=WAIT_S)[1] for place in places)
        if not commits or stable != commits[-1][1]:
            commits.append((time.time() * 1000, stable))


def match(settings: Settings, commits: Sequence[Commit]) -> Matched:
    """All processed records with the stamps of their frames. Raises UserError without any."""
    sent = {each.identity: each.appended_ms for each in _records(settings, RAW_BOOKS)}
    processed = [each for each in _records(settings, PROCESSED) if each.identity in sent]
    if not processed:
        raise UserError("no processed record has the receive time of a raw frame")
    return Matched(
        np.array([each.identity[0] for each in processed]),
        np.array([sent[each.identity] for each in processed], np.float64),
        np.array([each.appended_ms for each in processed], np.float64),
        commit_times(commits, processed),
    )


def commit_times(commits: Sequence[Commit], records: Sequence[Stamped]) -> Floats:
    """Epoch ms of the first commit after each record; NaN for a record that was not committed."""
    times = np.array([at for at, _ in commits] + [np.nan])
    stable = np.array([offsets for _, offsets in commits])
    partitions = np.array([each.partition for each in records])
    offsets = np.array([each.offset for each in records])
    first = np.empty(len(records), np.int64)
    for partition in np.unique(partitions):
        chosen = partitions == partition
        first[chosen] = np.searchsorted(stable[:, partition], offsets[chosen], side="right")
    return times[first]


def _records(settings: Settings, topic: Topic) -> Iterator[Stamped]:
    """Every record of a topic at the time of the call, uncommitted ones included."""
    client = _consumer(settings, "read_uncommitted")
    places = _places(client, settings.topic_prefix + topic.name)
    decode, unread = msgspec.json.Decoder(Received).decode, len(places)
    client.assign(places)
    while unread:
        for message in client.consume(READ, timeout=1.0):
            if message.error():
                unread -= 1
                continue
            identity = (message.key() or b"").decode(), decode(message.value() or b"{}").recv_us
            yield Stamped(identity, message.timestamp()[1], message.partition() or 0, message.offset() or 0)
    client.close()


def _consumer(settings: Settings, isolation: str = "read_committed") -> Consumer:
    options = {"bootstrap.servers": settings.kafka_bootstrap_servers, "group.id": "depthflow-bench"}
    return Consumer(options | {"isolation.level": isolation, "enable.auto.commit": False, "enable.partition.eof": True})


def _places(client: Consumer, topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, number, 0) for number in sorted(client.list_topics(topic).topics[topic].partitions)]

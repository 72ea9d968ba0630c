"""One system of its own on the shared stack: a prefix before its topics, and what goes in and comes out of them."""

import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition
from pydantic import SecretStr

from ingestion.topics import ensure_topics
from jobs.submit import Cluster, cancel, run, run_command, stop
from market.settings import Settings
from stack import flink_rest
from stack.processes import Supervisor
from tests.conftest import Stack

Record = tuple[str, str | None, bytes | None]  # topic without the prefix, key, value
PATIENCE_S = 120


class Desk:
    """Topics, and the jobs over them."""

    def __init__(self, stack: Stack, prefix: str, **more: Any) -> None:
        """`more`: settings of the jobs that are others than the stack's."""
        self.stack = stack
        given = {
            "topic_prefix": prefix,
            "kafka_bootstrap_servers": stack.kafka,
            "postgres_dsn": SecretStr(stack.postgres_dsn),
            "redis_url": SecretStr(stack.redis_url),
            "flink_home": stack.flink_home,
            "flink_rest_url": stack.flink_url,
            "flink_state_url": stack.state_url,
        }
        self.settings = Settings(**(given | more))
        ensure_topics(stack.kafka, 2, prefix=prefix)
        self.cluster = Cluster.of(self.settings)

    @contextmanager
    def running(self, *jobs: str, options: Sequence[str] = ()) -> Iterator[None]:
        """The jobs, from the start of the topics, until the block ends; what they had read is then committed.

        They are submitted side by side: each waits for processes to start, most of the time.
        """
        try:
            with ThreadPoolExecutor(len(jobs)) as pool:
                list(pool.map(lambda job: self._submit(job, options), jobs))
            yield
            for job in jobs:
                stop(self.cluster, job)
        finally:
            for job in jobs:
                cancel(self.cluster, job)

    def _submit(self, job: str, options: Sequence[str]) -> None:
        run(run_command(self.cluster, job, [*options], None), self.settings)

    def send(self, records: Iterable[Record]) -> None:
        """Put records on the topics, in order, and wait until the broker has them."""
        # As forwarders and Flink do: a key is then in the same partition of every topic, and in order there.
        options = {"message.max.bytes": 16_000_000, "linger.ms": 5, "partitioner": "murmur2_random"}
        producer = Producer({"bootstrap.servers": self.stack.kafka} | options)
        for number, (topic, key, value) in enumerate(records):
            producer.produce(self.settings.topic_prefix + topic, value, key)
            if not number % 500:
                producer.poll(0)
        assert producer.flush(PATIENCE_S) == 0

    def read(self, topic: str, isolation: str = "read_committed") -> dict[str, list[bytes]]:
        """All records of a topic by key, in order, as a reader of that isolation sees them now."""
        options = {"bootstrap.servers": self.stack.kafka, "group.id": "reader", "isolation.level": isolation}
        consumer = Consumer(options | {"enable.partition.eof": True, "fetch.message.max.bytes": 16_000_000})
        consumer.assign([TopicPartition(self.settings.topic_prefix + topic, number, 0) for number in (0, 1)])
        found: defaultdict[str, list[bytes]] = defaultdict(list)
        ended = 0
        while ended < 2:
            message = consumer.poll(PATIENCE_S)
            assert message is not None, f"the broker says nothing of {topic}"
            if message.error():
                ended += 1
            else:
                found[(message.key() or b"").decode()].append(message.value() or b"")
        consumer.close()
        return dict(found)

    def count(self, topic: str, isolation: str = "read_committed") -> int:
        return sum(map(len, self.read(topic, isolation).values()))

    def pid(self, name: str) -> int:
        """Process id of one of the stack's processes."""
        (pid,) = (each.pid for each in Supervisor(self.stack.home).processes() if each.name == name)
        return pid

    def python_workers(self) -> list[psutil.Process]:
        """The Python processes that TaskManagers run functions in (process mode)."""
        managers = [psutil.Process(self.pid(name)) for name in self.stack.settings.taskmanagers]
        children = [child for manager in managers for child in manager.children(recursive=True)]
        return [
            child for child in children if "pyflink" in " ".join(child.cmdline()) and child.name().startswith("python")
        ]


def kill_taskmanagers(desk: Desk) -> None:
    """All that work, at once; the stack's supervisor starts them again."""
    for taskmanager in flink_rest.taskmanagers(desk.stack.settings):
        if not taskmanager.idle:
            os.kill(desk.pid(taskmanager.id), signal.SIGKILL)


def wait_until(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Poll until the condition holds. Raises TimeoutError that says what was waited for."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience_s:.0f} s for {what}")
        time.sleep(0.2)

"""A separate system on the shared stack: topics with their own prefix, and the jobs over them."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psutil
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from pydantic import SecretStr

from bench.load import open_producer
from core.settings import Settings
from ingestion.topics import ensure_topics
from jobs.submit import FlinkCluster, cancel, run, run_command, stop
from stack.services import flink_rest, postgres
from stack.services.orphans import stack_processes
from tests.conftest import Stack
from tests.stack_processes import kill, running_pid

Record = tuple[str, str | None, bytes | None]  # topic without the prefix, key, value
TIMEOUT_S = 120
BATCH = 1000  # messages at once


class IsolatedSystem:
    """Topics with a prefix, the jobs over them, and their settings."""

    def __init__(self, stack: Stack, prefix: str, **more: Any) -> None:
        """`more`: settings of the jobs that differ from those of the stack."""
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
        created = ensure_topics(stack.kafka, 2, prefix=prefix).created
        assert created or not prefix, (
            f"another test of this stack has topics with the prefix {prefix!r}: choose another"
        )
        self.cluster = FlinkCluster.of(self.settings)
        self._counts = Counter[tuple[str, str]]()
        self._counted_to: dict[tuple[str, str], list[int]] = {}

    @contextmanager
    def running(self, *jobs: str, options: Sequence[str] = ()) -> Iterator[None]:
        """Run the jobs from the start of the topics until the block ends, then stop them with a savepoint.

        They are submitted in parallel, since each submission mostly waits for processes to start.
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
        """Write records to the topics, in order, and wait for the broker's acknowledgement."""
        producer = open_producer(self.stack.kafka, linger_ms=5)
        for number, (topic, key, value) in enumerate(records):
            producer.produce(self.settings.topic_prefix + topic, value, key)
            if not number % 500:
                producer.poll(0)
        assert producer.flush(TIMEOUT_S) == 0

    def read(self, topic: str, isolation: str = "read_committed") -> dict[str, list[bytes]]:
        """All records of a topic by key, in order, that a reader of the isolation level sees now."""
        found: defaultdict[str, list[bytes]] = defaultdict(list)
        for message in self.messages(topic, isolation, [0, 0]):
            found[(message.key() or b"").decode()].append(message.value() or b"")
        return dict(found)

    def count(self, topic: str, isolation: str = "read_committed") -> int:
        """Number of records that `read` returns now. Reads only those after the last count, since it is polled."""
        offsets = self._counted_to.setdefault((topic, isolation), [0, 0])
        self._counts[topic, isolation] += sum(1 for _ in self.messages(topic, isolation, offsets))
        return self._counts[topic, isolation]

    def messages(self, topic: str, isolation: str, offsets: list[int]) -> Iterator[Message]:
        """Messages from these offsets of the partitions to their ends now. `offsets` are moved to the ends."""
        options = {"bootstrap.servers": self.stack.kafka, "group.id": "reader", "isolation.level": isolation}
        consumer = Consumer(options | {"enable.partition.eof": True, "fetch.message.max.bytes": 16_000_000})
        name, ended = self.settings.topic_prefix + topic, 0
        consumer.assign([TopicPartition(name, number, offset) for number, offset in enumerate(offsets)])
        while ended < len(offsets):
            first = consumer.poll(TIMEOUT_S)
            assert first is not None, f"the broker sends nothing from {topic}"
            for message in (first, *consumer.consume(BATCH, 0)):
                error = message.error()
                if error is None:
                    offsets[message.partition()] = message.offset() + 1
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    ended += 1
        consumer.close()

    def kill(self, name: str) -> None:
        """Kill one of the stack's processes; the supervisor restarts it."""
        kill(self.stack.home, name)

    def python_workers(self) -> list[psutil.Process]:
        """Python worker processes of the TaskManagers (process mode)."""
        managers = [psutil.Process(running_pid(self.stack.home, name)) for name in self.stack.settings.taskmanagers]
        children = [child for manager in managers for child in manager.children(recursive=True)]
        return [
            child for child in children if "pyflink" in " ".join(child.cmdline()) and child.name().startswith("python")
        ]


def kill_taskmanagers(system: IsolatedSystem) -> None:
    """Kill all busy TaskManagers at once; the supervisor of the stack restarts them."""
    for taskmanager in flink_rest.taskmanagers(system.stack.settings):
        if not taskmanager.idle:
            system.kill(taskmanager.id)


def kill_stack(stack: Stack) -> None:
    """Kill every process of the stack at once, as a machine that loses its power does."""
    server = psutil.Process(int((postgres.data_folder(stack.settings) / "postmaster.pid").read_text().split()[0]))
    processes = [*stack_processes(stack.home), *server.children(recursive=True), server]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, TIMEOUT_S)


def wait_until(condition: Callable[[], bool], description: str, timeout_s: float = TIMEOUT_S) -> None:
    """Poll until the condition is true. Raises TimeoutError with the description."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:.0f} s for {description}")
        time.sleep(0.2)

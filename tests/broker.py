"""A Kafka broker for one test, with the local stack's configuration. It can be stopped and started again."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from stack.services import kafka
from stack.services.java import find_java
from stack.services.settings import StackSettings
from tests.conftest import free_ports

START_S = 60
More: TypeAlias = Callable[[str], dict[str, str]]


class OwnBroker:
    """One broker. Its data stay after a stop."""

    def __init__(self, folder: Path, more: More) -> None:
        ports = free_ports(2)
        self.settings = StackSettings(
            depthflow_home=folder, kafka_port=ports[0], kafka_controller_port=ports[1], kafka_heap="512m"
        )
        java = find_java()
        kafka.prepare(self.settings, java)
        config = folder / "conf" / "kafka" / "server.properties"
        properties = kafka.server_properties(self.settings)
        properties |= more(properties["listeners"])
        config.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        self._command = kafka.program(self.settings, java).command
        self._log = folder / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return self.settings.kafka_bootstrap

    @property
    def pid(self) -> int:
        """Process id. Only of a broker that has been started."""
        assert self._process is not None
        return self._process.pid

    def heap_bytes(self) -> float:
        """Used heap after a collection."""
        subprocess.run(["jcmd", str(self.pid), "GC.run"], check=True, stdout=subprocess.DEVNULL)
        table = subprocess.run(["jstat", "-gc", str(self.pid)], check=True, capture_output=True, text=True).stdout
        header, row = map(str.split, table.splitlines()[:2])
        sizes = dict(zip(header, row, strict=True))
        return 1024 * sum(float(sizes[name]) for name in ("S0U", "S1U", "EU", "OU"))

    def start(self) -> None:
        """Start the broker and wait until it responds."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_S
        while not self._responds():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the broker does not start: {self._log.read_text()[-3000:]}")

    def stop(self) -> None:
        """Stop the broker by SIGTERM."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_S)

    def _responds(self) -> bool:
        try:
            KafkaAdminClient(bootstrap_servers=self.address, bootstrap_timeout_ms=2000).close()
        except KafkaError:
            return False
        return True


@contextmanager
def own_broker(folder: Path, more: More = lambda listeners: {}) -> Iterator[OwnBroker]:
    """A broker that runs until the block ends. `more` returns further properties, given the default listeners."""
    broker = OwnBroker(folder, more)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def records(address: str, topic: str, **options: Any) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of every record of a topic, in order within each partition."""
    consumer = KafkaConsumer(
        bootstrap_servers=address, enable_auto_commit=False, max_partition_fetch_bytes=16 * 1024 * 1024, **options
    )
    with consumer:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for batch in consumer.poll(1000).values():
                yield from ((record.key, record.value) for record in batch)

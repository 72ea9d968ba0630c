"""Measured process of `bench forward`: one forwarder, from a local socket to the broker's acknowledgements."""

import asyncio
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, time_ns
from typing import Any

import msgspec
import numpy as np
from confluent_kafka import Producer as ConfluentClient

from core.logs import configure
from core.topics import RAW_BOOKS
from ingestion.background import OnFailure
from ingestion.forwarder.buffered_producer import BufferedProducer, Producer
from ingestion.forwarder.forwarder import Forwarder
from ingestion.forwarder.plan import ForwardPlan, make_plan
from ingestion.forwarder.resync import ResyncHandler
from ingestion.forwarder.settings import MEGABYTE, load
from ingestion.forwarder.spill import Spill
from ingestion.producer import ProducerConfig, RawProducer

POLL_S = 0.005
PRODUCERS = ("kafka-python", "confluent-kafka")


@dataclass(frozen=True)
class Measured:
    """Cost of one run. `cpu_s` covers all threads of the process."""

    frames: int
    seconds: float
    cpu_s: float
    ack_p50_ms: float
    ack_p99_ms: float

    @property
    def frames_per_s(self) -> float:
        return self.frames / self.seconds

    @property
    def cpu_s_per_million(self) -> float:
        return self.cpu_s / self.frames * 1e6


class LatencySample:
    """Latencies of sampled frames from receipt to acknowledgement (µs), without those of the first `warm_up_s`."""

    def __init__(self, warm_up_s: float) -> None:
        self.latencies_us: list[int] = []
        self._warm_up_us = int(warm_up_s * 1e6)
        self._start_us = 0

    def on_produced(self, records: int, oldest_recv_us: int) -> None:
        """Ignored."""

    def on_acknowledged(self, recv_us: int) -> None:
        """Record one latency."""
        self._start_us = self._start_us or recv_us
        if recv_us - self._start_us > self._warm_up_us:
            self.latencies_us.append(time_ns() // 1000 - recv_us)


class NoResyncs:
    """Source without resync requests."""

    failures = 0
    failure = ""

    def start(self, handler: ResyncHandler, on_failure: OnFailure) -> None:
        """Call nothing."""

    def stop(self) -> None:
        """Stop nothing."""


class _Delivery:
    """Result of `write`: runs a callback when the record is acknowledged."""

    __slots__ = ("callback",)

    def __init__(self) -> None:
        self.callback: Callable[[], object] | None = None

    def add_callback(self, call: Callable[..., object], *given: object) -> None:
        self.callback = lambda: call(*given, None)


class ConfluentProducer:
    """librdkafka with the guarantees of `RawProducer`."""

    def __init__(self, config: ProducerConfig) -> None:
        self._client = ConfluentClient(
            {
                "bootstrap.servers": config.bootstrap_servers,
                "enable.idempotence": True,
                "compression.type": config.compression or "none",
                "linger.ms": config.linger_ms,
                "batch.size": config.batch_bytes,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._prefix = config.topic_prefix
        self.sent_bytes = self.acknowledged_bytes = self.unacknowledged = 0

    def write(self, name: str, key: bytes, value: bytes) -> _Delivery:
        delivery, size = _Delivery(), len(value)

        def delivered(error: Any, message: Any) -> None:
            self.acknowledged_bytes += size
            self.unacknowledged -= 1
            if delivery.callback is not None:
                delivery.callback()

        self._client.produce(self._prefix + name, value, key, on_delivery=delivered)
        self.sent_bytes += size
        self.unacknowledged += 1
        self.poll()
        return delivery

    def knows(self, name: str) -> bool:
        """True: librdkafka's `produce` never waits."""
        return True

    def poll(self) -> None:
        """Run delivery callbacks: librdkafka runs them only inside `poll`."""
        self._client.poll(0)

    def flush(self, timeout_s: float | None = None) -> None:
        self._client.flush(timeout_s or 30)

    def close(self) -> None:
        self._client.flush(30)

    def batch_bytes(self) -> float:
        return 0.0


def open_client(kind: str, plan: ForwardPlan) -> Producer:
    """The Kafka client named `kind`, one of PRODUCERS."""
    settings = plan.settings
    config = ProducerConfig(settings.kafka_bootstrap_servers, settings.topic_prefix)
    if kind != "kafka-python":
        return ConfluentProducer(config)
    client = RawProducer.connect(config)
    client.learn([RAW_BOOKS.name])
    return client


async def measure(plan: ForwardPlan, kind: str, frames: int, warm_up_s: float) -> Measured:
    """Forward `frames` frames and stop."""
    settings, sample = plan.settings, LatencySample(warm_up_s)
    client = open_client(kind, plan)
    queue, window = int(settings.queue_mb * MEGABYTE), int(settings.window_mb * MEGABYTE)
    producer = BufferedProducer(client, Spill(settings.spill_dir, MEGABYTE), queue, window, sample)
    forwarder, stop = Forwarder(plan, [producer], NoResyncs()), asyncio.Event()
    task = asyncio.create_task(forwarder.run(stop))
    streams = forwarder.stats.streams

    def received() -> int:
        return sum(each.frames for each in streams.values())

    while not received():  # noqa: ASYNC110 - polling every few milliseconds is the measurement
        await asyncio.sleep(POLL_S)
    start, busy = monotonic(), cpu_s()
    while received() < frames or producer.queued_records or client.unacknowledged:
        if task.done():
            await task
        if isinstance(client, ConfluentProducer):
            client.poll()
        await asyncio.sleep(POLL_S)
    seconds, busy = monotonic() - start, cpu_s() - busy
    stop.set()
    await task
    p50, p99 = np.percentile(np.array(sample.latencies_us) / 1000, [50, 99])
    return Measured(frames, seconds, busy, float(p50), float(p99))


def cpu_s() -> float:
    """Processor time of this process so far, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(kind: str, frames: int, warm_up_s: float, port: str, symbols: str, prefix: str, folder: str) -> None:
    """Print the measurement as one JSON line."""
    configure("error", "forwarder")
    flags = {
        "venue": "binance",
        "symbols": symbols,
        "channels": "depth@100ms",
        "ws_url": f"ws://127.0.0.1:{port}",
        "rest_url": f"http://127.0.0.1:{port}",
        "topic_prefix": prefix,
        "spill_dir": Path(folder),
        "ws_compression": False,
        "queue_mb": 1024,  # holds every frame: a full queue would close the connection and the sender would start again
    }
    measured = asyncio.run(measure(make_plan(load(flags, None)), kind, frames, warm_up_s))
    print(msgspec.json.encode(asdict(measured)).decode())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), *sys.argv[4:8])

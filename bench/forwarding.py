"""The measured process of `bench forward`: one forwarder, from a local socket to the broker's acknowledgements."""

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

from ingestion.forwarder.forwarder import Forwarder
from ingestion.forwarder.logs import configure
from ingestion.forwarder.outlet import Outlet
from ingestion.forwarder.outlet import Producer as Producing
from ingestion.forwarder.resync import Tell
from ingestion.forwarder.settings import MEGABYTE, ForwardSettings, load
from ingestion.forwarder.spill import Spill
from ingestion.producer import ProducerConfig, RawProducer

POLL_S = 0.005
PRODUCERS = ("kafka-python", "confluent-kafka")


@dataclass(frozen=True)
class Measured:
    """What one run cost. `cpu_s` is of the whole process, all threads."""

    frames: int
    seconds: float
    cpu_s: float
    ack_p50_ms: float
    ack_p99_ms: float


class Sampled:
    """Times of a sample of frames from receipt to acknowledgement, those of the first `warm_up_s` left out."""

    def __init__(self, warm_up_s: float) -> None:
        self.taken_us: list[int] = []
        self._warm_up_us = int(warm_up_s * 1e6)
        self._began_us = 0

    def handed_over(self, records: int, oldest_recv_us: int) -> None:
        """Not of interest here."""

    def acknowledged(self, recv_us: int) -> None:
        """One more."""
        self._began_us = self._began_us or recv_us
        if recv_us - self._began_us > self._warm_up_us:
            self.taken_us.append(time_ns() // 1000 - recv_us)


class Silence:
    """Nobody asks for books."""

    def start(self, tell: Tell) -> None:
        """Nothing will come."""

    def stop(self) -> None:
        """Nothing came."""


class _Delivery:
    """What `write` of an outlet's producer returns: calls back when the record is acknowledged."""

    __slots__ = ("call",)

    def __init__(self) -> None:
        self.call: Callable[[], object] | None = None

    def add_callback(self, call: Callable[..., object], *given: object) -> None:
        self.call = lambda: call(*given, None)


class ConfluentProducer:
    """librdkafka behind an outlet, with the guarantees of `RawProducer`."""

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
            if delivery.call is not None:
                delivery.call()

        self._client.produce(self._prefix + name, value, key, on_delivery=delivered)
        self.sent_bytes += size
        self.unacknowledged += 1
        self.poll()
        return delivery

    def poll(self) -> None:
        """Hear of deliveries: librdkafka tells only when it is asked."""
        self._client.poll(0)

    def flush(self, timeout_s: float | None = None) -> None:
        self._client.flush(timeout_s or 30)

    def close(self) -> None:
        self._client.flush(30)

    def batch_bytes(self) -> float:
        return 0.0


def producer(kind: str, settings: ForwardSettings) -> Producing:
    """The producer of that name."""
    config = ProducerConfig(settings.kafka_bootstrap_servers, settings.topic_prefix)
    return RawProducer.connect(config) if kind == "kafka-python" else ConfluentProducer(config)


async def measure(settings: ForwardSettings, kind: str, frames: int, warm_up_s: float) -> Measured:
    """Forward `frames` frames and stop."""
    sampled, window = Sampled(warm_up_s), int(settings.window_mb * MEGABYTE)
    sink = producer(kind, settings)
    queue = int(settings.queue_mb * MEGABYTE)
    outlet = Outlet(sink, Spill(settings.spill_dir, MEGABYTE), queue, window, sampled)
    forwarder, stop = Forwarder(settings, [outlet], Silence()), asyncio.Event()
    task = asyncio.create_task(forwarder.run(stop))
    streams = forwarder.ledger.streams

    def heard() -> int:
        return sum(record.frames for record in streams.values())

    while not heard():  # noqa: ASYNC110 - a sample every few milliseconds is the measurement
        await asyncio.sleep(POLL_S)
    start, busy = monotonic(), cpu_s()
    while heard() < frames or outlet.depth or sink.unacknowledged:
        if task.done():
            await task
        if isinstance(sink, ConfluentProducer):
            sink.poll()
        await asyncio.sleep(POLL_S)
    seconds, busy = monotonic() - start, cpu_s() - busy
    stop.set()
    await task
    p50, p99 = np.percentile(np.array(sampled.taken_us) / 1000, [50, 99])
    return Measured(frames, seconds, busy, float(p50), float(p99))


def cpu_s() -> float:
    """Processor seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(kind: str, frames: int, warm_up_s: float, port: str, symbols: str, prefix: str, folder: str) -> None:
    """Print the measurement as one JSON line."""
    configure("error")
    flags = {
        "venue": "binance",
        "symbols": symbols,
        "channels": "depth@100ms",
        "ws_url": f"ws://127.0.0.1:{port}",
        "rest_url": f"http://127.0.0.1:{port}",
        "topic_prefix": prefix,
        "spill_dir": Path(folder),
        "ws_compression": False,
        "queue_mb": 1024,  # all of them: a full queue would drop the connection, and the sender begin anew
    }
    measured = asyncio.run(measure(load(flags, None), kind, frames, warm_up_s))
    print(msgspec.json.encode(asdict(measured)).decode())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), *sys.argv[4:8])

"""cryptofeed's raw path, run by `bench forward` in a separate environment without this project.

cryptofeed's connection reads the frames, its raw data callback receives them, and its Kafka backend sends them. The
backend awaits the acknowledgement of one record before it sends the next.
"""

import asyncio
import json
import sys
import time
from collections import deque
from resource import RUSAGE_SELF, getrusage
from statistics import quantiles
from typing import Any

import uvloop
from cryptofeed.backends.kafka import KafkaCallback
from cryptofeed.connection import WSAsyncConn

POLL_S = 0.005


class RawKafka(KafkaCallback):  # type: ignore[misc]
    """cryptofeed's Kafka backend, fed by the raw data callback.

    `latencies_s` holds the times from receipt to acknowledgement after the warm-up.
    """

    default_key = "raw"

    def __init__(self, topic: str, warm_up_s: float, **options: Any) -> None:
        super().__init__(**options)
        self.frames = self.acknowledged = 0
        self.latencies_s: list[float] = []
        self._topic = topic
        self._warm_up_s = warm_up_s
        self._start = 0.0
        self._received: deque[float] = deque()

    def topic(self, data: Any) -> str:
        return self._topic

    async def on_raw(self, data: str | None, timestamp: float, conn_id: str, **kind: Any) -> None:
        """Raw data callback: write every received frame except the acknowledgement of the subscription."""
        if data is None or kind or '"result"' in data[:12]:
            return
        self.frames += 1
        self._received.append(time.time())
        await self.write(data)

    async def _connect(self) -> None:
        await super()._connect()
        self._send, self.producer.send = self.producer.send, self._timed

    async def _timed(self, *record: Any) -> Any:
        future, received = await self._send(*record), self._received.popleft()

        def acknowledged(_: Any) -> None:
            self.acknowledged += 1
            self._start = self._start or received
            if received - self._start > self._warm_up_s:
                self.latencies_s.append(time.time() - received)

        future.add_done_callback(acknowledged)
        return future


def cpu_s() -> float:
    """Processor time of this process so far, in seconds."""
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def read(connection: WSAsyncConn, symbols: str) -> None:
    """Subscribe and read until cancelled, as a feed of cryptofeed does."""
    params = [f"{symbol.lower()}@depth@100ms" for symbol in symbols.split(",")]
    async with connection.connect():
        await connection.write(json.dumps({"method": "SUBSCRIBE", "params": params, "id": 1}))
        async for _ in connection.read():
            pass


async def measure(frames: int, warm_up_s: float, port: str, symbols: str, servers: str, topic: str) -> dict[str, float]:
    """Measure until `frames` frames are acknowledged."""
    options = {"bootstrap_servers": servers, "acks": "all", "enable_idempotence": True, "compression_type": "lz4"}
    sink = RawKafka(topic, warm_up_s, **options)
    sink.start(asyncio.get_running_loop())
    connection = WSAsyncConn("wss://loopback", "bench", compression=None, max_size=None, max_queue=None)
    connection.address = f"ws://127.0.0.1:{port}/stream"  # its constructor accepts only TLS addresses
    connection.raw_data_callback = sink.on_raw
    reading = asyncio.create_task(read(connection, symbols))
    while not sink.frames and not reading.done():  # noqa: ASYNC110 - polling every few milliseconds is the measurement
        await asyncio.sleep(POLL_S)
    start, busy = time.monotonic(), cpu_s()
    while sink.acknowledged < frames and not reading.done():  # noqa: ASYNC110
        await asyncio.sleep(POLL_S)
    seconds, busy = time.monotonic() - start, cpu_s() - busy
    reading.cancel()
    percent = quantiles(sink.latencies_s, n=100)
    p50, p99 = percent[49] * 1000, percent[98] * 1000
    return {"frames": frames, "seconds": seconds, "cpu_s": busy, "ack_p50_ms": p50, "ack_p99_ms": p99}


if __name__ == "__main__":
    uvloop.install()  # as its feed handler does
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:7]))))

"""Baseline of `bench forward`: a loop from `websockets` to kafka-python, without stamps, resynchronisation or spill."""

import asyncio
import json
import sys
import time
from dataclasses import asdict
from typing import Any

import msgspec
import numpy as np
from kafka import KafkaProducer
from websockets.asyncio.client import ClientConnection, connect

from bench.forwarding import POLL_S, Measured, cpu_s
from ingestion.producer import ProducerConfig


class Combined(msgspec.Struct):
    """A frame of a combined stream, of which only the stream's name is decoded."""

    stream: str = ""


class BareForward:
    """Sends every frame under the name of its stream; `latencies_ms`: receipt to acknowledgement after the warm-up."""

    def __init__(self, producer: Any, topic: str, warm_up_s: float) -> None:
        self._producer = producer
        self._topic = topic
        self._warm_up_s = warm_up_s
        self._start = 0.0
        self.received = self.acknowledged = 0
        self.latencies_ms: list[float] = []

    async def read(self, socket: ClientConnection, frames: int) -> None:
        """Forward `frames` frames."""
        decode = msgspec.json.Decoder(Combined).decode
        while self.received < frames:
            frame = await socket.recv(decode=False)
            stream = decode(frame).stream
            if stream:
                self.received += 1
                self._producer.send(self._topic, frame, stream.encode()).add_callback(self._on_ack, time.time())

    def _on_ack(self, received: float, _: Any) -> None:
        self.acknowledged += 1
        self._start = self._start or received
        if received - self._start > self._warm_up_s:
            self.latencies_ms.append(1000 * (time.time() - received))


async def measure(frames: int, warm_up_s: float, port: str, symbols: str, servers: str, topic: str) -> Measured:
    """Forward frames of a local socket until all are acknowledged."""
    producer = KafkaProducer(**ProducerConfig(servers).client_options())
    forward = BareForward(producer, topic, warm_up_s)
    async with connect(f"ws://127.0.0.1:{port}/stream", compression=None, max_size=None) as socket:
        params = [f"{symbol.lower()}@depth@100ms" for symbol in symbols.split(",")]
        await socket.send(json.dumps({"method": "SUBSCRIBE", "params": params, "id": 1}))
        start, busy = time.monotonic(), cpu_s()
        await forward.read(socket, frames)
        while forward.acknowledged < frames:  # noqa: ASYNC110 - polling every few milliseconds is the measurement
            await asyncio.sleep(POLL_S)
        seconds, busy = time.monotonic() - start, cpu_s() - busy
    producer.close()
    p50, p99 = np.percentile(forward.latencies_ms, [50, 99])
    return Measured(frames, seconds, busy, float(p50), float(p99))


if __name__ == "__main__":
    measured = asyncio.run(measure(int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:7]))
    print(msgspec.json.encode(asdict(measured)).decode())

"""A stop is heeded at any time, and ends in time whatever blocks."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest

from ingestion.forwarder.buffered_producer import BufferedProducer
from ingestion.forwarder.forwarder import Forwarder, UndeliveredError
from ingestion.forwarder.plan import make_plan
from ingestion.forwarder.settings import ForwardSettings
from ingestion.forwarder.spill import QueuedRecord, Spill
from simulator import Config, Http520, simulator
from stack.services import supervisord_config
from tests.ingestion.forwarder.harness import (
    Broker,
    CompletedFuture,
    eventually,
    forwarding,
    settings,
    time_limit,
    within_a_minute,
)

MEGABYTE = 1 << 20


@asynccontextmanager
async def silent_server() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A server that accepts connections and answers nothing: its port, and an event set by the first connection."""
    connected, ended = asyncio.Event(), asyncio.Event()

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(ignore, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], connected
    finally:
        ended.set()
        server.close()


@pytest.mark.parametrize(("venue", "changes"), [("binance", {}), ("deribit", {"chains": "BTC"})])
@within_a_minute
async def test_a_stop_while_the_venue_does_not_answer_ends_at_once(
    venue: str, changes: dict[str, str], tmp_path: Path
) -> None:
    async with simulator(Config(venue)) as exchange, silent_server() as (port, connected):
        async with forwarding(exchange, tmp_path, rest_url=f"http://127.0.0.1:{port}", **changes) as running:
            await connected.wait()
            start = monotonic()
            await running.stop()
            assert monotonic() - start < 3


@within_a_minute
async def test_a_stop_while_the_list_of_options_is_repeated_ends_at_once(tmp_path: Path) -> None:
    async with simulator(Config("deribit", chains=("BTC",))) as exchange:
        exchange.inject(Http520(seconds=60))
        async with forwarding(exchange, tmp_path, symbols="", chains="BTC") as running:
            await eventually(
                lambda: running.forwarder.chains is not None and running.forwarder.chains.failures.total() > 0
            )
            await running.stop()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@within_a_minute
async def test_a_signal_while_the_broker_does_not_answer_ends_the_process(signum: int, tmp_path: Path) -> None:
    async with silent_server() as (port, connected):
        flags = ["--venue=kraken", "--symbols=BTC/USD", f"--bootstrap-servers=127.0.0.1:{port}", "--metrics-addr="]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "stack", "forward", *flags),
            stdout=DEVNULL,
            stderr=PIPE,
            env=os.environ | {"SPILL_DIR": str(tmp_path)},
        )
        await connected.wait()
        start = monotonic()
        process.send_signal(signum)
        _, output = await process.communicate()
        assert process.returncode == (0 if signum == signal.SIGTERM else 130)
        assert b'"event": "stopped"' in output and monotonic() - start < 5


class SlowClient(Broker):
    """A client whose flush takes half a second."""

    def flush(self, timeout_s: float | None = None) -> None:
        sleep(0.5)


@within_a_minute
async def test_producers_drain_side_by_side(tmp_path: Path) -> None:
    async with simulator(Config("kraken")) as exchange:
        producers = [BufferedProducer(SlowClient(), Spill(tmp_path, MEGABYTE), MEGABYTE, MEGABYTE) for _ in range(16)]
        forwarder, stop = Forwarder(make_plan(settings(exchange, tmp_path)), producers, Broker()), asyncio.Event()
        task = asyncio.create_task(forwarder.run(stop))
        await eventually(lambda: bool(exchange.connections))
        stop.set()
        start = monotonic()
        await task
        assert monotonic() - start < 4


class BlockedClient(Broker):
    """A client whose writes block, as kafka-python's do for a minute while a topic has no leader."""

    def __init__(self) -> None:
        super().__init__()
        self.released = Event()

    def knows(self, name: str) -> bool:
        return False

    def write(self, name: str, key: bytes, value: bytes) -> CompletedFuture:
        self.released.wait(60)
        return CompletedFuture()


def test_a_stop_ends_in_time_although_the_client_blocks(tmp_path: Path) -> None:
    client = BlockedClient()
    producer = BufferedProducer(client, Spill(tmp_path, MEGABYTE), MEGABYTE, MEGABYTE)
    producer.start(lambda error: None)
    for number in range(10):
        producer.put(QueuedRecord("orderbook.raw", b"k", b"%d" % number, 0))
    start = monotonic()
    assert producer.stop(0.5) == 10
    assert monotonic() - start < 2
    client.released.set()


@within_a_minute
async def test_frames_that_the_broker_did_not_acknowledge_are_counted_in_the_error(tmp_path: Path) -> None:
    async with simulator(Config("kraken", rate=100)) as exchange:
        async with forwarding(exchange, tmp_path, drain_s=1, window_mb=0.01) as running:
            await eventually(running.subscribed)
            running.broker.down = True
            await eventually(lambda: running.broker.unacknowledged > 0)
            start = monotonic()
            with pytest.raises(UndeliveredError, match=r"did not acknowledge the last \d+ frames within 1 s"):
                await running.stop()
            assert monotonic() - start < 5


@time_limit(10)
async def test_the_drain_ends_before_the_supervisor_kills(tmp_path: Path) -> None:
    section = supervisord_config.section(tmp_path, supervisord_config.Program("forward", ["true"]))
    (wait,) = [line for line in section.splitlines() if line.startswith("stopwaitsecs=")]
    assert ForwardSettings.model_fields["drain_s"].default + 5 <= int(wait.partition("=")[2])

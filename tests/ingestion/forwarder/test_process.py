"""`depthflow forward` as a process, against a real broker: stops, kills, one line for what cannot be."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec

from ingestion.generator.instruments import VENUES
from ingestion.simulator import Config, Simulator, simulator
from market.keeper import Keeper, KeeperConfig
from market.records import Envelope
from market.topics import RAW_BOOKS
from tests.broker import records
from tests.conftest import Stack, free_ports
from tests.ingestion.forwarder.harness import lasting

SILENCE_S = 1.0
RATE = 20  # of each of two symbols: 5 * RATE frames take two seconds and more

within_two_minutes = lasting(120)


@asynccontextmanager
async def forward(kafka: str, prefix: str, folder: Path, *flags: str) -> AsyncIterator[tuple[Process, str]]:
    """The process and where it tells of itself."""
    metrics = f"127.0.0.1:{free_ports(1)[0]}"
    command = [sys.executable, "-m", "stack", "forward", "--metrics-addr", metrics, *flags]
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "TOPIC_PREFIX": prefix,
        "SPILL_DIR": str(folder),
        "RECONNECT_FIRST_S": "0.1",
    }
    process = await asyncio.create_subprocess_exec(*command, stderr=PIPE, env=environment)
    try:
        yield process, f"http://{metrics}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ready(url: str) -> None:
    """Wait until /ready says so."""
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"{url}/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


async def forwarded(url: str, frames: int) -> None:
    """Wait until so many frames were forwarded, by the process's own account."""
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{url}/metrics") as answer:
                lines = (await answer.text()).splitlines()
            counts = [float(line.split()[-1]) for line in lines if line.startswith("messages_processed_total{")]
            if sum(counts) >= frames:
                return
            await asyncio.sleep(0.05)


def at(exchange: Simulator) -> list[str]:
    return [
        f"--venue={exchange.config.venue}",
        f"--symbols={','.join(exchange.config.traded)}",
        f"--ws-url={exchange.ws_url}",
        f"--rest-url={exchange.rest_url}",
    ]


@within_two_minutes
async def test_a_killed_forwarder_is_followed_by_one_that_mends_every_book(stack: Stack, tmp_path: Path) -> None:
    await asyncio.gather(*(killed_and_followed(stack, venue, tmp_path) for venue in VENUES))


async def killed_and_followed(stack: Stack, venue: str, folder: Path) -> None:
    """All that two forwarders put on the topics, the first of which was killed, gives the exchange's books."""
    prefix = f"{uuid4().hex[:8]}-"
    async with simulator(Config(venue, rate=RATE)) as exchange:
        async with forward(stack.kafka, prefix, folder, *at(exchange)) as (first, url):
            await ready(url)
            first.kill()
        async with forward(stack.kafka, prefix, folder, *at(exchange)) as (second, url):
            await ready(url)
            await forwarded(url, 5 * RATE)  # by then whoever keeps books has given the killed one's connection up
            exchange.run_market(False)
            exchange.step(3)
            sent = sum(sum(connection.sent.values()) for connection in exchange.connections.values())
            in_band = 0 if venue.startswith("binance") else len(exchange.config.traded)
            await forwarded(url, sent + in_band)
            second.send_signal(signal.SIGTERM)
            assert await second.wait() == 0
        books = kept_books(stack, prefix, venue, exchange.config.traded)
        for symbol in exchange.config.traded:
            truth = exchange.truth(symbol, 25)
            assert (books[symbol]["bids"], books[symbol]["asks"]) == (
                [*map(list, truth.bids)],
                [*map(list, truth.asks)],
            )


def kept_books(stack: Stack, prefix: str, venue: str, symbols: Iterable[str]) -> dict[str, Any]:
    """The newest books that the raw topic gives."""
    keepers = {symbol: Keeper(venue, symbol, KeeperConfig(levels=25, silence_s=SILENCE_S)) for symbol in symbols}
    books = dict[str, bytes]()
    for _, value in records(stack.kafka, prefix + RAW_BOOKS.name):
        symbol = msgspec.json.decode(value, type=Envelope).symbol
        books[symbol] = keepers[symbol].apply_all([value]).book or books.get(symbol, b"{}")
    return {symbol: json.loads(book) for symbol, book in books.items()}


@within_two_minutes
async def test_metrics_and_health_are_told_and_a_stop_by_signal_is_clean(stack: Stack, tmp_path: Path) -> None:
    prefix = f"{uuid4().hex[:8]}-"
    async with (
        simulator(Config("binance", rate=20)) as exchange,
        forward(stack.kafka, prefix, tmp_path, *at(exchange)) as (process, url),
        aiohttp.ClientSession() as http,
    ):
        await ready(url)
        async with http.get(f"{url}/health") as answer:
            assert await answer.json() == {"status": "ok", "failures": []}
        async with http.get(f"{url}/metrics") as answer:
            text = await answer.text()
        for name in (
            'websocket_connected{connection="0",venue="binance"} 1.0',
            'websocket_disconnects_total{connection="0",venue="binance"} 0.0',
            'messages_processed_total{channel="depth@100ms",symbol="BTCUSDT",venue="binance"}',
            'messages_error_total{symbol="BTCUSDT",venue="binance"} 0.0',
            "processing_latency_microseconds_bucket",
            'orderbook_updates_total{symbol="BTCUSDT",venue="binance"}',
            'sequence_errors_total{symbol="BTCUSDT",venue="binance"}',
            'trades_processed_total{symbol="BTCUSDT",venue="binance"}',
            "producer_batch_size_bytes",
            "producer_errors_total",
            "producer_queue_depth",
            "producer_ack_latency_microseconds_bucket",
        ):
            assert name in text
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
        assert process.returncode == 130
        events = [json.loads(line) for line in said.decode().splitlines()]
        assert [event["event"] for event in events if event["logger"] == "forwarder"][-1] == "stopped"


@within_two_minutes
async def test_a_port_in_use_is_one_line(stack: Stack, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        flags = ["--venue=kraken", "--symbols=BTC/USD", "--ws-url=ws://127.0.0.1:1", f"--metrics-addr=127.0.0.1:{port}"]
        async with forward(stack.kafka, "", tmp_path, *flags) as (process, _):
            _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode().splitlines()[-1] == (
        f"depthflow: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "choose another with --metrics-addr (METRICS_ADDR)"
    )


@within_two_minutes
async def test_no_broker_is_one_line(tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_ports(1)[0]}"
    flags = ["--venue=kraken", "--symbols=BTC/USD", "--ws-url=ws://127.0.0.1:1"]
    async with forward(nowhere, "", tmp_path, *flags) as (process, _):
        _, said = await process.communicate()
    assert process.returncode == 1
    (line,) = said.decode().splitlines()
    assert line.startswith(f"depthflow: no Kafka broker at {nowhere} ") and "KAFKA_BOOTSTRAP_SERVERS" in line

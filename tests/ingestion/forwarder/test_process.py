"""`depthflow forward` as a process with a real broker: stops, kills and one-line errors."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
from confluent_kafka import Producer

from core.records import Envelope
from core.topics import RAW_BOOKS, RESYNC
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from simulator import Config, Simulator, simulator
from tests.broker import records
from tests.conftest import Stack, free_ports
from tests.ingestion.forwarder.harness import time_limit
from venues.registry import VENUES

SILENCE_S = 1.0
REPEAT_EVERY = 10  # attempts to read the books
RATE = 20  # of each of two symbols: 5 * RATE frames take at least two seconds

within_two_minutes = time_limit(120)


@asynccontextmanager
async def forward(kafka: str, prefix: str, folder: Path, *flags: str) -> AsyncIterator[tuple[Process, str]]:
    """Start a forwarder; yields the process and the address of its metrics server."""
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


async def wait_until_ready(url: str) -> None:
    """Wait until /ready returns 200."""
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"{url}/ready") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


async def wait_until_forwarded(url: str, frames: int) -> None:
    """Wait until /metrics reports at least `frames` forwarded frames."""
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{url}/metrics") as response:
                lines = (await response.text()).splitlines()
            counts = [float(line.split()[-1]) for line in lines if line.startswith("messages_processed_total{")]
            if sum(counts) >= frames:
                return
            await asyncio.sleep(0.05)


def exchange_flags(exchange: Simulator) -> list[str]:
    return [
        f"--venue={exchange.config.venue}",
        f"--symbols={','.join(exchange.config.traded)}",
        f"--ws-url={exchange.ws_url}",
        f"--rest-url={exchange.rest_url}",
    ]


@within_two_minutes
async def test_a_restarted_forwarder_recovers_every_book_of_a_killed_one(stack: Stack, tmp_path: Path) -> None:
    await asyncio.gather(*(kill_and_restart(stack, venue, tmp_path) for venue in VENUES))


async def kill_and_restart(stack: Stack, venue: str, folder: Path) -> None:
    """Records of a killed forwarder and of its successor together give the exchange's books."""
    prefix = f"{uuid4().hex[:8]}-"
    async with simulator(Config(venue, rate=RATE)) as exchange:
        async with forward(stack.kafka, prefix, folder, *exchange_flags(exchange)) as (first, url):
            await wait_until_ready(url)
            first.kill()
        async with forward(stack.kafka, prefix, folder, *exchange_flags(exchange)) as (second, url):
            await wait_until_ready(url)
            await wait_until_forwarded(url, 5 * RATE)  # by then book builders have dropped the old connection
            exchange.run_market(False)
            exchange.step(3)
            await wait_until_books_equal(stack, prefix, exchange)
            second.send_signal(signal.SIGTERM)
            assert await second.wait() == 0


async def wait_until_books_equal(stack: Stack, prefix: str, exchange: Simulator) -> None:
    """Wait until the raw topic gives the books of the exchange, whose market is halted.

    Sends the builders' requests for snapshots, so that updates lost with the killed forwarder are recovered. It repeats
    them, as builders do while frames arrive: a halted market has none.
    """
    symbols = exchange.config.traded
    truth = {symbol: exchange.reference_book(symbol, 25) for symbol in symbols}
    expected = {symbol: ([*map(list, book.bids)], [*map(list, book.asks)]) for symbol, book in truth.items()}
    producer = Producer({"bootstrap.servers": stack.kafka})
    for attempt in count():
        books, requests = await asyncio.to_thread(books_of_topic, stack, prefix, exchange.config.venue, symbols)
        if {symbol: (book.get("bids"), book.get("asks")) for symbol, book in books.items()} == expected:
            return
        for request in set(requests) if attempt % REPEAT_EVERY == 0 else ():
            producer.produce(prefix + RESYNC.name, request)
        producer.flush(1)
        await asyncio.sleep(0.2)


def books_of_topic(stack: Stack, prefix: str, venue: str, symbols: Iterable[str]) -> tuple[dict[str, Any], list[bytes]]:
    """Newest book of each symbol and all requests for snapshots, built from the raw topic."""
    config, open_book_sync = BookConfig(levels=25, silence_s=SILENCE_S), VENUES[venue].open_book_sync
    builders = {symbol: BookBuilder(venue, symbol, config, open_book_sync) for symbol in symbols}
    books, requests = dict[str, bytes](), list[bytes]()
    for _, value in records(stack.kafka, prefix + RAW_BOOKS.name):
        symbol = msgspec.json.decode(value, type=Envelope).symbol
        batch = builders[symbol].apply_all([value])
        books[symbol] = batch.book or books.get(symbol, b"{}")
        requests += batch.resyncs
    return {symbol: json.loads(book) for symbol, book in books.items()}, requests


@within_two_minutes
async def test_metrics_and_health_are_served_and_a_stop_by_signal_is_clean(stack: Stack, tmp_path: Path) -> None:
    prefix = f"{uuid4().hex[:8]}-"
    async with (
        simulator(Config("binance", rate=20)) as exchange,
        forward(stack.kafka, prefix, tmp_path, *exchange_flags(exchange)) as (process, url),
        aiohttp.ClientSession() as http,
    ):
        await wait_until_ready(url)
        async with http.get(f"{url}/health") as response:
            assert await response.json() == {"status": "ok", "failures": []}
        async with http.get(f"{url}/metrics") as response:
            text = await response.text()
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
        _, output = await process.communicate()
        assert process.returncode == 130
        events = [json.loads(line) for line in output.decode().splitlines()]
        assert [event["event"] for event in events if event["logger"] == "forwarder"][-1] == "stopped"


@within_two_minutes
async def test_a_port_in_use_is_reported_in_one_line(stack: Stack, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        flags = ["--venue=kraken", "--symbols=BTC/USD", "--ws-url=ws://127.0.0.1:1", f"--metrics-addr=127.0.0.1:{port}"]
        async with forward(stack.kafka, "", tmp_path, *flags) as (process, _):
            _, output = await process.communicate()
    assert process.returncode == 1
    assert output.decode().splitlines()[-1] == (
        f"depthflow: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "choose another with --metrics-addr (METRICS_ADDR)"
    )


@within_two_minutes
async def test_a_missing_broker_is_reported_in_one_line(tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_ports(1)[0]}"
    flags = ["--venue=kraken", "--symbols=BTC/USD", "--ws-url=ws://127.0.0.1:1"]
    async with forward(nowhere, "", tmp_path, *flags) as (process, _):
        _, output = await process.communicate()
    assert process.returncode == 1
    (line,) = output.decode().splitlines()
    assert line.startswith(f"depthflow: no Kafka broker at {nowhere} ") and "KAFKA_BOOTSTRAP_SERVERS" in line

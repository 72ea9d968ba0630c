"""Each background thread and task of a forwarder, killed: the forwarder ends with the reason, or retries and counts."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from core.records import Resync
from ingestion.background import BackgroundError
from ingestion.forwarder.buffered_producer import BufferedProducer
from ingestion.forwarder.chains import ChainSubscriber
from ingestion.forwarder.metrics import StatsCollector
from ingestion.forwarder.monitoring import MonitoringServer
from ingestion.forwarder.recovery import BookRecovery
from ingestion.forwarder.session import Session
from ingestion.forwarder.snapshots import SnapshotFetcher
from ingestion.forwarder.spill import Spill
from simulator import Config, simulator
from tests.ingestion.forwarder.harness import Broker, CompletedFuture, eventually, forwarding, within_a_minute

RATE = 40


class FailingBroker(Broker):
    """Broker whose client raises `error` on the next write once it is set."""

    error: BaseException | None = None

    def write(self, name: str, key: bytes, value: bytes) -> CompletedFuture:
        if self.error is not None:
            raise self.error
        return super().write(name, key, value)


def raising(error: BaseException) -> Callable[..., Any]:
    def call(*args: object, **named: object) -> None:
        raise error

    return call


@pytest.mark.parametrize(
    "error", [TypeError("no len()"), sqlite3.OperationalError("disk I/O error"), AssertionError("illegal state")]
)
@within_a_minute
async def test_an_error_of_the_producing_thread_ends_the_forwarder(error: Exception, tmp_path: Path) -> None:
    broker = FailingBroker()
    async with simulator(Config("kraken", rate=RATE)) as exchange, forwarding(exchange, tmp_path, broker) as running:
        await eventually(running.subscribed)
        broker.error = error
        message = f"producer failed: {type(error).__name__}: {error}"
        await eventually(lambda: running.forwarder.failures == [message])
        with pytest.raises(BackgroundError) as ended:
            await running.task
        assert str(ended.value) == message


@within_a_minute
async def test_an_error_of_the_disk_buffer_ends_the_forwarder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Spill, "take", raising(sqlite3.OperationalError("database disk image is malformed")))
    async with (
        simulator(Config("kraken", rate=200)) as exchange,
        forwarding(exchange, tmp_path, window_mb=0.02, queue_mb=0.05) as running,
    ):
        await eventually(running.subscribed)
        running.broker.down = True
        await eventually(lambda: running.forwarder.producers[0].spill.count > 0)
        running.broker.recover()
        with pytest.raises(BackgroundError, match="producer failed: OperationalError: database disk image"):
            await running.task


@within_a_minute
async def test_an_error_of_the_handler_of_resync_requests_ends_the_forwarder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BookRecovery, "handle_request", raising(KeyError("symbol")))
    async with simulator(Config("kraken", rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await eventually(running.subscribed)
        running.broker.on_request(Resync("kraken", "BTC/USD", None, "sequence", 0), monotonic())
        with pytest.raises(BackgroundError, match="^handler of resync requests failed: KeyError: 'symbol'$"):
            await running.task


@pytest.mark.parametrize("target", [(BookRecovery, "forward_snapshot"), (SnapshotFetcher, "_next")])
@within_a_minute
async def test_an_error_of_the_fetcher_of_snapshots_ends_the_forwarder(
    target: tuple[type, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*target, raising(AttributeError("gone")))
    async with simulator(Config("binance", rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        with pytest.raises(BackgroundError, match="^fetcher of snapshots failed: AttributeError: gone$"):
            await running.task


@pytest.mark.parametrize("method", ["_subscribe", "_delay_s"])
@within_a_minute
async def test_an_error_of_the_subscriber_of_chains_ends_the_forwarder(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChainSubscriber, method, raising(IndexError("no expiry")))
    async with (
        simulator(Config("deribit", chains=("BTC",))) as exchange,
        forwarding(exchange, tmp_path, chains="BTC") as running,
    ):
        with pytest.raises(BackgroundError, match="^subscriber of chains failed: IndexError: no expiry$"):
            await running.task


@pytest.mark.parametrize("method", ["tick", "on_message"])
@within_a_minute
async def test_an_error_of_a_connection_ends_the_forwarder(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, method, raising(AttributeError("gone")))
    async with simulator(Config("kraken", rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        with pytest.raises(BackgroundError, match="^connection failed: AttributeError: gone$"):
            await running.task


async def status_of(server: MonitoringServer, path: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{server.port}{path}") as response:
        return response.status, await response.json()


@within_a_minute
async def test_health_reports_what_is_being_retried_until_it_works_again(tmp_path: Path) -> None:
    async with simulator(Config("kraken", rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        server = MonitoringServer(running.forwarder, CollectorRegistry())
        await server.start("127.0.0.1:0")
        running.broker.failure = "cannot read resync requests: TypeError"
        assert await status_of(server, "/health") == (
            503,
            {"status": "failed", "failures": ["cannot read resync requests: TypeError"]},
        )
        running.broker.failure = ""
        assert await status_of(server, "/health") == (200, {"status": "ok", "failures": []})
        await server.stop()


@within_a_minute
async def test_health_reports_a_failure_while_the_forwarder_ends(tmp_path: Path) -> None:
    broker = FailingBroker()
    async with simulator(Config("kraken", rate=RATE)) as exchange, forwarding(exchange, tmp_path, broker) as running:
        await eventually(running.subscribed)
        server = MonitoringServer(running.forwarder, CollectorRegistry())
        await server.start("127.0.0.1:0")
        broker.error = TypeError("no len()")
        await eventually(lambda: bool(running.forwarder.failures))
        status, body = await status_of(server, "/health")
        assert (status, body["failures"]) == (503, ["producer failed: TypeError: no len()"])
        await server.stop()


@within_a_minute
async def test_an_error_while_metrics_are_collected_is_counted_and_monitoring_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulator(Config("kraken", rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        server = MonitoringServer(running.forwarder, CollectorRegistry())
        await server.start("127.0.0.1:0")
        monkeypatch.setattr(StatsCollector, "_symbols", raising(ZeroDivisionError("no")))
        assert await status_of(server, "/metrics") == (500, {"error": "ZeroDivisionError: no"})
        assert server.errors == 1 and (await status_of(server, "/health"))[0] == 200
        await server.stop()


def test_an_error_at_the_stop_of_a_producer_is_its_failure(tmp_path: Path) -> None:
    class Client(Broker):
        def flush(self, timeout_s: float | None = None) -> None:
            raise TypeError("no len()")

    producer = BufferedProducer(Client(), Spill(tmp_path, 1 << 20), 1000, 1000)
    producer.start(lambda error: None)
    producer.stop(1)
    assert str(producer.failure) == "producer failed: TypeError: no len()"

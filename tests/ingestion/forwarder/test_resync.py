"""Selection of resync requests, and the reader of their topic."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from core.records import Resync
from ingestion.forwarder import resync
from ingestion.forwarder.resync import BROKER_TIME, ResyncFilter, ResyncReader, written_at
from tests.ingestion.forwarder.harness import wait_for

NOW = 5_000.0  # s, monotonic
SINCE = 1_767_225_600_000
BROKER_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
OWN, FOREIGN = "own", "foreign"


def request(conn: str | None = OWN, since: int = SINCE, venue: str = "kraken", symbol: str = "BTC/USD") -> Resync:
    return Resync(venue, symbol, conn, "checksum", since)


def admits(requests: ResyncFilter, resync: Resync, requested_at: float = NOW, now: float = NOW) -> bool:
    return requests.admit(resync, requested_at, now, lambda conn: conn == OWN)


def record(timestamp_ms: int, timestamp_type: int = BROKER_TIME, value: Resync | None = None) -> Any:
    encoded = msgspec.json.encode(value) if value is not None else b""
    return SimpleNamespace(timestamp=timestamp_ms, timestamp_type=timestamp_type, value=encoded, offset=0)


def test_requests_for_other_venues_are_ignored() -> None:
    assert not admits(ResyncFilter("kraken", True), request(venue="deribit"))


def test_an_expired_request_is_ignored() -> None:
    requests = ResyncFilter("kraken", True, expiry_s=60)
    assert not admits(requests, request(), now=NOW + 60.1)
    assert admits(requests, request(), now=NOW + 60)


def test_a_request_written_before_the_recovery_is_ignored() -> None:
    requests = ResyncFilter("binance", False)
    requests.mark_recovered("BTC/USD", NOW + 0.5)
    resync = request(venue="binance")
    assert not admits(requests, resync, requested_at=NOW + 0.5, now=NOW + 0.6)
    assert admits(requests, resync, requested_at=NOW + 0.501, now=NOW + 0.6)


def test_a_request_for_another_forwarders_connection_is_ignored_until_it_is_repeated() -> None:
    requests = ResyncFilter("kraken", True)
    assert not admits(requests, request(FOREIGN))
    assert admits(requests, request(FOREIGN), requested_at=NOW + 1, now=NOW + 1)
    assert not admits(requests, request(FOREIGN, since=SINCE + 9000), requested_at=NOW + 9, now=NOW + 9)


def test_a_rest_snapshot_serves_every_connection() -> None:
    assert admits(ResyncFilter("binance", False), request(FOREIGN, venue="binance"))


def test_a_request_without_a_connection_is_admitted() -> None:
    assert admits(ResyncFilter("kraken", True), request(None))


def test_the_age_of_a_request_is_the_distance_to_the_newest_one_by_the_brokers_clock() -> None:
    times = [at for _, at in written_at([record(BROKER_MS), record(BROKER_MS + 70_000)], NOW)]
    assert times == [NOW - 70, NOW]


@pytest.mark.parametrize("skew_ms", [0, 61_000, -61_000, HOUR_MS, -HOUR_MS, 24 * HOUR_MS])
def test_a_request_is_admitted_whatever_the_distance_of_the_brokers_clock_to_ours(skew_ms: int) -> None:
    ((_, at),) = written_at([record(BROKER_MS + skew_ms)], NOW)
    assert admits(ResyncFilter("kraken", True), request(), at)


@pytest.mark.parametrize("jump_ms", [HOUR_MS, -HOUR_MS])
def test_a_jump_of_the_brokers_clock_drops_no_request(jump_ms: int) -> None:
    requests = ResyncFilter("kraken", True)
    for second, shift_ms in enumerate((0, jump_ms, jump_ms, 0)):
        now = NOW + 10 * second
        requests.mark_recovered("BTC/USD", now - 5)
        ((_, at),) = written_at([record(BROKER_MS + 10_000 * second + shift_ms)], now)
        assert admits(requests, request(), at, now)


def test_times_of_two_producers_an_hour_apart_drop_no_request() -> None:
    """A topic made before the broker stamped its records has the clocks of its writers."""
    times = [at for _, at in written_at([record(BROKER_MS, 0), record(BROKER_MS + HOUR_MS, 0)], NOW)]
    assert times == [NOW, NOW]


class FailingConsumer:
    """A consumer whose first two polls fail, each of another consumer; the third one reads a request."""

    errors: list[Exception] = []

    def __init__(self, **options: object) -> None:
        """Take any option."""

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def assign(self, partitions: object) -> None:
        """Take any assignment."""

    def poll(self, timeout_ms: int) -> dict[int, list[Any]]:
        if self.errors:
            raise self.errors.pop(0)
        return {0: [record(BROKER_MS, value=request())]}

    def close(self) -> None:
        """Close nothing."""


def test_the_reader_survives_any_error_of_its_client_and_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resync, "KafkaConsumer", FailingConsumer)
    monkeypatch.setattr(resync, "RETRY_S", 0.01)
    monkeypatch.setattr(FailingConsumer, "errors", [TypeError("no len()"), AssertionError("poll")])
    received, ended, reader = list[Resync](), list[Exception](), ResyncReader({}, "")
    reader._delays = resync.backoff(0.01, 0.01, resync.Random(1))
    reader.start(lambda found, at: received.append(found), ended.append)
    wait_for(lambda: bool(received) and not reader.failure)
    reader.stop()
    assert (received[0], reader.failures, ended) == (request(), 2, [])


def test_health_names_the_error_until_the_reader_reads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resync, "KafkaConsumer", FailingConsumer)
    monkeypatch.setattr(FailingConsumer, "errors", [TypeError("no len()")])
    reader = ResyncReader({}, "")
    reader._delays = resync.backoff(30, 30, resync.Random(1))
    reader.start(lambda found, at: None, lambda error: None)
    wait_for(lambda: bool(reader.failure))
    assert reader.failure == "cannot read resync requests: TypeError: no len()"
    reader.stop()


def test_an_end_of_the_reader_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def exit_thread(**options: object) -> None:
        raise SystemExit

    monkeypatch.setattr(resync, "KafkaConsumer", exit_thread)
    ended, reader = list[Exception](), ResyncReader({}, "")
    reader.start(lambda found, at: None, ended.append)
    wait_for(lambda: bool(ended))
    assert str(ended[0]) == "reader of resync requests failed: SystemExit"

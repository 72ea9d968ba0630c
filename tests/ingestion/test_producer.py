"""RawProducer on a fake client: routing, counters, back-pressure, errors."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from core.records import Envelope
from ingestion import producer as module
from ingestion.producer import DeliveryError, ProducerConfig, RawProducer
from venues.stamping import Stamper


class FakeFuture:
    def __init__(self) -> None:
        self.done: Callable[[Any], None]
        self.failed: Callable[[], None]

    def add_callback(self, call: Callable[[Any], None]) -> None:
        self.done = call

    def add_errback(self, call: Callable[..., None], *args: Any) -> None:
        self.failed = lambda: call(*args, MessageSizeTooLargeError("too large"))


class FakeClient:
    """Acknowledges every record on flush, or fails every record."""

    def __init__(self, failing: bool = False) -> None:
        self.failing = failing
        self.records: list[tuple[str, bytes, bytes]] = []
        self.pending: list[tuple[FakeFuture, Any]] = []
        self.closed = False

    def send(self, topic: str, value: bytes, key: bytes) -> FakeFuture:
        self.records.append((topic, key, value))
        self.pending.append((FakeFuture(), SimpleNamespace(topic=topic, serialized_value_size=len(value))))
        return self.pending[-1][0]

    def flush(self, timeout: float | None) -> None:
        for future, metadata in self.pending:
            if self.failing:
                future.failed()
            else:
                future.done(metadata)
        self.pending.clear()

    def close(self, timeout: float) -> None:
        self.closed = True


def frame(channel: str = "depth", body: bytes = b"{}") -> Envelope:
    return Stamper("binance", "c").stamp(channel, "ETHUSDT", 5, body)


def test_envelopes_are_sent_to_their_topics_under_their_keys() -> None:
    client = FakeClient()
    producer = RawProducer(client, "test-")
    producer.send(frame())
    producer.send(frame("trade"))
    assert [(topic, key) for topic, key, _ in client.records] == [
        ("test-orderbook.raw", b"binance:ETHUSDT"),
        ("test-trades.raw", b"binance:ETHUSDT"),
    ]
    assert msgspec.json.decode(client.records[0][2], type=Envelope) == frame()


def test_sent_and_acknowledged_are_equal_after_a_flush() -> None:
    producer = RawProducer(FakeClient())
    producer.send(frame())
    assert (producer.unacknowledged, producer.sent.total()) == (1, 1)
    producer.flush()
    assert producer.unacknowledged == 0
    assert producer.sent == producer.acknowledged
    assert producer.sent_bytes == producer.acknowledged_bytes > 0


def test_a_failure_is_raised_by_the_next_call_and_every_later_one() -> None:
    producer = RawProducer(FakeClient(failing=True))
    producer.send(frame())
    calls: list[Callable[[], None]] = [producer.flush, lambda: producer.send(frame()), producer.flush]
    for call in calls:
        with pytest.raises(DeliveryError, match="orderbook.raw binance:ETHUSDT: not acknowledged: .*too large"):
            call()


def test_close_closes_a_failed_client_as_well() -> None:
    client = FakeClient(failing=True)
    producer = RawProducer(client)
    producer.send(frame())
    with pytest.raises(DeliveryError):
        producer.close()
    assert client.closed


def test_a_flush_that_times_out_reports_the_number_of_missing_records(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient()
    producer = RawProducer(client)
    producer.send(frame())

    def late(timeout: float | None) -> None:
        raise KafkaTimeoutError(f"{timeout} s")

    monkeypatch.setattr(client, "flush", late)
    with pytest.raises(DeliveryError, match="1 of 1 records not acknowledged: .*3 s"):
        producer.flush(3)


def test_send_waits_when_too_many_bytes_are_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_IN_FLIGHT_BYTES", 1000)
    producer = RawProducer(FakeClient())
    for _ in range(50):
        producer.send(frame(body=b'"' + b"x" * 300 + b'"'))
        assert producer.sent_bytes - producer.acknowledged_bytes <= 1000


def test_an_unreachable_broker_is_one_error() -> None:
    with pytest.raises(DeliveryError, match=r"no Kafka broker at 127.0.0.1:1 \(.*Connection refused"):
        RawProducer.connect(ProducerConfig("127.0.0.1:1"))

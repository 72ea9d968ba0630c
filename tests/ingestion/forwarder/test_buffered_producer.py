"""The buffered producer: order over queue, disk and client, outages, failures, stops."""

from pathlib import Path
from random import Random
from time import sleep

import pytest

from ingestion.forwarder.buffered_producer import BufferedProducer, BufferFull
from ingestion.forwarder.spill import QueuedRecord, Spill, SpillError, SpillFull
from ingestion.producer import DeliveryError
from tests.ingestion.forwarder.harness import CompletedFuture

MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the pauses of the producing thread."""
    monkeypatch.setattr("ingestion.forwarder.buffered_producer.IDLE_S", 0)
    monkeypatch.setattr("ingestion.forwarder.buffered_producer.BLOCKED_S", 0)


class FakeClient:
    """Kafka client in memory; holds acknowledgements back while `down`."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.sent_bytes = self.acknowledged_bytes = self.unacknowledged = 0
        self.down = False
        self.rejects = False
        self.closed = False
        self.knows_topics = True

    def write(self, name: str, key: bytes, value: bytes) -> None:
        if self.rejects:
            raise DeliveryError("orderbook.raw: not acknowledged: no")
        self.values.append(value)
        self.sent_bytes += len(value)
        self.unacknowledged += 1
        if not self.down:
            self.recover()

    def recover(self) -> None:
        self.down = False
        self.acknowledged_bytes, self.unacknowledged = self.sent_bytes, 0

    def flush(self, timeout_s: float | None = None) -> None:
        if self.unacknowledged:
            raise DeliveryError(f"{self.unacknowledged} not acknowledged")

    def close(self) -> None:
        self.closed = True

    def batch_bytes(self) -> float:
        return 0.0

    def knows(self, name: str) -> bool:
        return self.knows_topics


def record(number: int, size: int = 100) -> QueuedRecord:
    return QueuedRecord("orderbook.raw", b"binance:BTCUSDT", b"%d|" % number + b"x" * size, 0)


def numbers(values: list[bytes]) -> list[int]:
    return [int(value.partition(b"|")[0]) for value in values]


def new_producer(
    folder: Path, client: FakeClient, queue: int = 10_000, window: int = 2_000, disk: int = MEGABYTE
) -> BufferedProducer:
    return BufferedProducer(client, Spill(folder, disk), queue, window)


def put_patiently(producer: BufferedProducer, record: QueuedRecord) -> None:
    """Put a record; while the buffers are full, let the producing thread move."""
    while True:
        try:
            return producer.put(record)
        except BufferFull:
            sleep(0.0001)


def drive(producer: BufferedProducer, steps: int = 50) -> None:
    """Run steps of the producing thread."""
    for _ in range(steps):
        producer._step()


@pytest.mark.parametrize("knows_topics", [True, False])
def test_records_reach_the_producer_in_order(tmp_path: Path, knows_topics: bool) -> None:
    client = FakeClient()
    client.knows_topics = knows_topics
    producer = new_producer(tmp_path, client)
    producer.start(lambda error: None)
    for number in range(50):
        producer.put(record(number))
    assert producer.stop(5) == 0
    assert numbers(client.values) == list(range(50)) and client.closed


def test_a_record_bypasses_the_queue_only_while_no_earlier_one_waits_and_the_client_has_room(tmp_path: Path) -> None:
    client = FakeClient()
    producer = new_producer(tmp_path, client)
    producer.put(record(0))
    assert (numbers(client.values), producer.queued_records) == ([0], 0)
    client.knows_topics = False  # `write` would wait for the topic's partitions
    producer.put(record(1))
    client.knows_topics = True
    producer.put(record(2))
    assert (numbers(client.values), producer.queued_records) == ([0], 2)
    drive(producer, 1)
    producer.put(record(3))
    assert (numbers(client.values), producer.queued_records) == ([0, 1, 2, 3], 0)
    client.down = True
    for number in range(4, 40):
        producer.put(record(number))
    assert (len(client.values), producer.queued_records) == (4 + 20, 16)  # 20 records fill the window of 2,000 bytes


def test_records_stay_in_order_while_their_path_changes(tmp_path: Path) -> None:
    """The producing thread runs; the broker and the knowledge of topics come and go at random."""
    client, chance = FakeClient(), Random(1)
    producer = new_producer(tmp_path, client)
    producer.start(lambda error: None)
    for number in range(20_000):
        if not number % 50:
            client.knows_topics = chance.random() < 0.5
            client.recover()
            client.down = chance.random() < 0.3
        put_patiently(producer, record(number))
    client.recover()
    assert producer.stop(20) == 0
    assert numbers(client.values) == list(range(20_000))


def test_the_handover_of_one_record_in_64_without_the_queue_is_observed(tmp_path: Path) -> None:
    class Observed:
        def __init__(self) -> None:
            self.produced: list[tuple[int, int]] = []

        def on_produced(self, records: int, oldest_recv_us: int) -> None:
            self.produced.append((records, oldest_recv_us))

        def on_acknowledged(self, recv_us: int) -> None:
            self.produced.append((0, recv_us))

    class Answering(FakeClient):
        def write(self, name: str, key: bytes, value: bytes) -> CompletedFuture:
            super().write(name, key, value)
            return CompletedFuture()

    observed = Observed()
    producer = BufferedProducer(Answering(), Spill(tmp_path, MEGABYTE), 10_000, 2_000, observed)
    for number in range(1, 129):
        producer.put(QueuedRecord("orderbook.raw", b"k", b"v", number))
    assert observed.produced == [(0, 64), (1, 64), (0, 128), (1, 128)]


def test_records_wait_in_client_queue_and_disk_during_an_outage_and_arrive_in_order(tmp_path: Path) -> None:
    client = FakeClient()
    client.down = True
    producer = new_producer(tmp_path, client)
    put_count = 0
    for _ in range(20):
        for _ in range(20):
            producer.put(record(put_count))
            put_count += 1
        drive(producer, 5)
    assert producer.spill.count > 100 and producer.queued_records + len(client.values) == put_count
    client.recover()
    drive(producer)
    assert (numbers(client.values), producer.queued_records, producer.queued_bytes) == (list(range(put_count)), 0, 0)


def test_records_put_while_the_disk_drains_stay_behind_it(tmp_path: Path) -> None:
    client = FakeClient()
    client.down = True
    producer = new_producer(tmp_path, client)
    for number in range(100):
        if number == 90:
            assert producer.spill.count
            client.recover()
        producer.put(record(number))
        if number % 20 == 19 and number < 90:
            drive(producer, 5)
    drive(producer)
    assert numbers(client.values) == list(range(100))


def test_a_queue_that_fills_while_the_disk_drains_moves_to_disk(tmp_path: Path) -> None:
    """Each step of a drain sends 500 records; meanwhile more arrive than the queue holds, and all are accepted."""
    client = FakeClient()
    client.down = True
    producer = new_producer(tmp_path, client, window=500)
    put_count = 0
    for rounds in range(200):
        if rounds == 100:
            assert producer.spill.count > 2_000
            client.recover()
        for _ in range(30):
            producer.put(record(put_count))
            put_count += 1
        drive(producer, 1)
    drive(producer)
    assert numbers(client.values) == list(range(put_count))


def test_a_full_queue_and_disk_reject_the_next_record_and_lose_none_that_was_accepted(tmp_path: Path) -> None:
    client = FakeClient()
    client.down = True
    producer = new_producer(tmp_path, client, disk=64 * 1024)
    accepted = []
    with pytest.raises(BufferFull):
        for number in range(100_000):
            producer.put(record(number))
            accepted.append(number)
            if number % 20 == 0:
                drive(producer, 3)
    assert not producer.has_capacity
    client.recover()
    drive(producer, 200)
    assert producer.has_capacity and numbers(client.values) == accepted


def test_an_empty_queue_accepts_a_record_larger_than_itself(tmp_path: Path) -> None:
    client = FakeClient()
    client.knows_topics = False
    producer = new_producer(tmp_path, client, queue=1_000)
    producer.put(record(1, size=50_000))
    with pytest.raises(BufferFull):
        producer.put(record(2))
    drive(producer, 1)
    producer.put(record(3))


@pytest.mark.parametrize("knows_topics", [True, False])
def test_a_rejection_by_the_broker_is_reported_and_ends_production(tmp_path: Path, knows_topics: bool) -> None:
    client, failures = FakeClient(), list[str]()
    client.rejects, client.knows_topics = True, knows_topics
    producer = new_producer(tmp_path, client)
    producer.start(lambda error: failures.append(str(error)))
    producer.put(record(1))
    assert producer._thread is not None
    producer._thread.join(5)
    assert failures == ["orderbook.raw: not acknowledged: no"]
    client.rejects = False
    producer.put(record(2))
    assert (client.values, producer.queued_records) == ([], 2)


def test_a_stop_during_an_outage_ends_in_time_and_counts_unsent_records(tmp_path: Path) -> None:
    client = FakeClient()
    client.down = True
    producer = new_producer(tmp_path, client)
    producer.start(lambda error: None)
    for number in range(60):
        producer.put(record(number))
    assert producer.stop(0.2) == 60
    assert not client.closed


def test_a_spill_keeps_order_and_removes_taken_records(tmp_path: Path) -> None:
    spill = Spill(tmp_path, MEGABYTE)
    spill.append([record(number) for number in range(10)])
    first = spill.take(4)
    spill.append([record(10)])
    assert numbers([each.value for each in first + spill.take(100)]) == list(range(11))
    assert (spill.count, spill.value_bytes) == (0, 0)


def test_a_full_spill_appends_all_or_nothing_and_has_space_after_a_take(tmp_path: Path) -> None:
    spill = Spill(tmp_path, 256 * 1024)
    batch, stored = [record(number, 1000) for number in range(50)], 0
    with pytest.raises(SpillFull):
        while True:
            spill.append(batch)
            stored += 50
    assert spill.count == stored
    assert len(spill.take(100_000)) == stored
    spill.append(batch)


def test_a_spill_leaves_no_file_behind(tmp_path: Path) -> None:
    spill = Spill(tmp_path, MEGABYTE)
    assert list(tmp_path.iterdir()) == []
    spill.close()


def test_an_error_names_the_folder_that_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpillError, match=r"cannot write the disk buffer in .*file/here.*set SPILL_DIR"):
        Spill(tmp_path / "file" / "here", MEGABYTE)

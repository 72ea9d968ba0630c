from pathlib import Path

import pytest

from ingestion.forwarder.outlet import Full, Outlet
from ingestion.forwarder.spill import Record, Spill, SpillError, SpillFull
from ingestion.producer import DeliveryError

MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the pauses of the outlet's thread."""
    monkeypatch.setattr("ingestion.forwarder.outlet.IDLE_S", 0)
    monkeypatch.setattr("ingestion.forwarder.outlet.BLOCKED_S", 0)


class Client:
    """Keeps what it is given and acknowledges when told to."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.sent_bytes = self.acknowledged_bytes = self.unacknowledged = 0
        self.away = False
        self.refuses = False
        self.closed = False

    def write(self, name: str, key: bytes, value: bytes) -> None:
        if self.refuses:
            raise DeliveryError("orderbook.raw: not acknowledged: no")
        self.values.append(value)
        self.sent_bytes += len(value)
        self.unacknowledged += 1
        if not self.away:
            self.take()

    def take(self) -> None:
        self.away = False
        self.acknowledged_bytes, self.unacknowledged = self.sent_bytes, 0

    def flush(self, timeout_s: float | None = None) -> None:
        if self.unacknowledged:
            raise DeliveryError(f"{self.unacknowledged} not acknowledged")

    def close(self) -> None:
        self.closed = True

    def batch_bytes(self) -> float:
        return 0.0


def record(number: int, size: int = 100) -> Record:
    return Record("orderbook.raw", b"binance:BTCUSDT", b"%d|" % number + b"x" * size, 0)


def numbers(values: list[bytes]) -> list[int]:
    return [int(value.partition(b"|")[0]) for value in values]


def outlet(folder: Path, client: Client, queue: int = 10_000, window: int = 2_000, disk: int = MEGABYTE) -> Outlet:
    return Outlet(client, Spill(folder, disk), queue, window)


def drive(outlet: Outlet, steps: int = 50) -> None:
    """What the outlet's thread would do."""
    for _ in range(steps):
        outlet._step()


def test_records_reach_the_producer_in_order(tmp_path: Path) -> None:
    client = Client()
    out = outlet(tmp_path, client)
    out.start()
    for number in range(50):
        out.offer(record(number))
    assert out.stop(5) == 0
    assert numbers(client.values) == list(range(50)) and client.closed


def test_while_the_broker_is_away_records_wait_in_client_queue_and_disk_and_then_come_in_order(tmp_path: Path) -> None:
    client = Client()
    client.away = True
    out = outlet(tmp_path, client)
    offered = 0
    for _ in range(20):
        for _ in range(20):
            out.offer(record(offered))
            offered += 1
        drive(out, 5)
    assert out.spill.count > 100 and out.depth + len(client.values) == offered
    client.take()
    drive(out)
    assert (numbers(client.values), out.depth, out.queued_bytes) == (list(range(offered)), 0, 0)


def test_records_offered_while_the_disk_drains_stay_behind_it(tmp_path: Path) -> None:
    client = Client()
    client.away = True
    out = outlet(tmp_path, client)
    for number in range(100):
        if number == 90:
            assert out.spill.count
            client.take()
        out.offer(record(number))
        if number % 20 == 19 and number < 90:
            drive(out, 5)
    drive(out)
    assert numbers(client.values) == list(range(100))


def test_a_queue_that_fills_while_the_disk_drains_goes_to_disk_too(tmp_path: Path) -> None:
    """Each step of a drain sends 500 records; more than a queue's worth comes meanwhile, and none is refused."""
    client = Client()
    client.away = True
    out = outlet(tmp_path, client, window=500)
    offered = 0
    for rounds in range(200):
        if rounds == 100:
            assert out.spill.count > 2_000
            client.take()
        for _ in range(30):
            out.offer(record(offered))
            offered += 1
        drive(out, 1)
    drive(out)
    assert numbers(client.values) == list(range(offered))


def test_when_queue_and_disk_are_full_the_next_record_is_not_taken_and_nothing_taken_is_lost(tmp_path: Path) -> None:
    client = Client()
    client.away = True
    out = outlet(tmp_path, client, disk=64 * 1024)
    taken = []
    with pytest.raises(Full):
        for number in range(100_000):
            out.offer(record(number))
            taken.append(number)
            if number % 20 == 0:
                drive(out, 3)
    assert not out.roomy
    client.take()
    drive(out, 200)
    assert out.roomy and numbers(client.values) == taken


def test_a_record_larger_than_the_queue_is_taken_by_an_empty_one(tmp_path: Path) -> None:
    out = outlet(tmp_path, Client(), queue=1_000)
    out.offer(record(1, size=50_000))
    with pytest.raises(Full):
        out.offer(record(2))
    drive(out, 1)
    out.offer(record(3))


def test_a_refusal_of_the_broker_is_told_and_ends_production(tmp_path: Path) -> None:
    client, told = Client(), list[str]()
    client.refuses = True
    out = outlet(tmp_path, client)
    out.on_failure = lambda: told.append(str(out.failure))
    out.start()
    out.offer(record(1))
    out._thread.join(5)
    assert told == ["orderbook.raw: not acknowledged: no"]


def test_a_stop_while_the_broker_is_away_ends_in_time_and_counts_what_is_left(tmp_path: Path) -> None:
    client = Client()
    client.away = True
    out = outlet(tmp_path, client)
    out.start()
    for number in range(60):
        out.offer(record(number))
    assert out.stop(0.2) == 60
    assert not client.closed


def test_a_spill_keeps_order_and_forgets_what_it_gave(tmp_path: Path) -> None:
    spill = Spill(tmp_path, MEGABYTE)
    spill.append([record(number) for number in range(10)])
    first = spill.take(4)
    spill.append([record(10)])
    assert numbers([each.value for each in first + spill.take(100)]) == list(range(11))
    assert (spill.count, spill.value_bytes) == (0, 0)


def test_a_full_spill_takes_all_or_nothing_and_has_room_again_after(tmp_path: Path) -> None:
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


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpillError, match=r"cannot write the disk buffer in .*file/here.*set SPILL_DIR"):
        Spill(tmp_path / "file" / "here", MEGABYTE)

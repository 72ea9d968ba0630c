"""What was recorded is read back to the byte, in order, whatever the recorder went through."""

from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from ingestion.archive.writer import Archive, ArchiveError
from ingestion.generator import Generator, Plan
from ingestion.recordings import RecordingError, open_recording
from ingestion.recordings.parquet import ParquetRecording
from ingestion.routing import route
from market.records import Envelope

HOUR_MS = 3_600_000
NINE = 1_767_258_000_000  # 2026-01-01T09:00:00Z
encode = msgspec.json.Encoder().encode


class Record(NamedTuple):
    """A record as kafka-python gives it."""

    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes | None


def generated(count: int) -> list[tuple[str, Record]]:
    """Envelopes of all venues in two partitions, an hour apart halfway."""
    offsets: dict[tuple[str, int], int] = {}
    records = []
    for number, envelope in enumerate(sorted(islice(Generator(Plan()), count), key=lambda each: each.recv_us)):
        topic, key = route(envelope.venue, envelope.channel, envelope.symbol)
        place = (topic, len(envelope.symbol) % 2)
        offsets[place] = offset = offsets.get(place, -1) + 1
        appended = NINE + (HOUR_MS if number >= count // 2 else 0)
        records.append((topic, Record(place[1], offset, appended, key.encode(), encode(envelope))))
    return records


def recorded(root: Path, records: list[tuple[str, Record]]) -> Archive:
    archive = Archive(root)
    for topic, record in records:
        archive.append(topic, record)
    return archive


def by_key(envelopes: list[Envelope]) -> dict[tuple[str, str], list[bytes]]:
    found: dict[tuple[str, str], list[bytes]] = {}
    for envelope in envelopes:
        topic, key = route(envelope.venue, envelope.channel, envelope.symbol)
        found.setdefault((topic, key), []).append(encode(envelope))
    return found


def values(records: list[tuple[str, Record]]) -> dict[tuple[str, str], list[bytes | None]]:
    found: dict[tuple[str, str], list[bytes | None]] = {}
    for topic, record in records:
        found.setdefault((topic, record.key.decode()), []).append(record.value)
    return found


def read(root: Path, venue: str | None = None) -> list[Envelope]:
    return list(open_recording(root, venue))


def test_every_record_comes_back_to_the_byte_in_order_per_key(tmp_path: Path) -> None:
    records = generated(2000)
    recorded(tmp_path, records).close()
    assert by_key(read(tmp_path)) == values(records)


def test_across_keys_envelopes_come_in_the_order_of_receipt(tmp_path: Path) -> None:
    recorded(tmp_path, generated(2000)).close()
    times = [envelope.recv_us for envelope in read(tmp_path)]
    assert times == sorted(times)


def test_files_lie_by_venue_and_hour_and_say_where_they_begin(tmp_path: Path) -> None:
    recorded(tmp_path, generated(1000)).close()
    folders = {path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.glob("**/*.parquet")}
    venues = ("binance", "binance_usdm", "kraken", "deribit")
    assert folders == {f"venue={venue}/hour=2026-01-01T{hour}" for venue in venues for hour in ("09", "10")}
    for path in tmp_path.glob("venue=kraken/*/*.parquet"):
        first = pq.read_table(path, columns=["offset"], partitioning=None)["offset"][0].as_py()
        assert path.name.endswith(f"-{first:020d}.parquet")


def test_any_parquet_reader_finds_its_way_by_columns(tmp_path: Path) -> None:
    recorded(tmp_path, generated(1000)).close()
    table = ds.dataset(tmp_path, partitioning="hive").to_table(filter=ds.field("symbol") == "BTC/USD")
    assert set(table["venue"].to_pylist()) == {"kraken"}
    assert {"channel", "recv_us", "value", "hour"} <= set(table.column_names)


def test_one_venue_is_read_alone(tmp_path: Path) -> None:
    recorded(tmp_path, generated(1000)).close()
    assert {envelope.venue for envelope in read(tmp_path, "deribit")} == {"deribit"}


def test_what_is_not_rolled_is_not_seen_and_read_again_after_a_crash(tmp_path: Path) -> None:
    records = generated(1000)
    killed = recorded(tmp_path, records[:400])
    killed.roll()
    for topic, record in records[400:700]:
        killed.append(topic, record)
    assert by_key(read(tmp_path)) == values(records[:400])
    killed.release()  # what the system does for a process that dies
    recorded(tmp_path, records[400:]).close()
    assert by_key(read(tmp_path)) == values(records)


def test_files_beyond_the_positions_are_not_written_twice(tmp_path: Path) -> None:
    records = generated(600)
    recorded(tmp_path, records).close()
    (tmp_path / "_positions.json").unlink()  # a crash between the files and the positions
    again = recorded(tmp_path, records)
    again.close()
    assert again.written == {}
    assert by_key(read(tmp_path)) == values(records)


def test_positions_tell_the_next_offset_of_every_partition(tmp_path: Path) -> None:
    records = generated(600)
    recorded(tmp_path, records).close()
    continued = Archive(tmp_path)
    last = {(topic, str(record.partition)): record.offset for topic, record in records}
    assert {(t, p): n - 1 for t, each in continued.positions.items() for p, n in each.items()} == last
    continued.close()


@pytest.mark.parametrize("value", [b"garbage", None, b'{"venue":"../x","channel":"c","symbol":"s"}'])
def test_a_record_that_is_no_envelope_is_kept_and_told(tmp_path: Path, value: bytes | None) -> None:
    recorded(tmp_path, [("orderbook.raw", Record(0, 7, NINE, b"k", value))]).close()
    recording = open_recording(tmp_path)
    assert list(recording) == []
    assert recording.account.rejected == 1
    (path,) = tmp_path.glob("**/*.parquet")
    assert path.parent.parent.name == "venue=unknown"
    assert ds.dataset(path).to_table()["value"].to_pylist() == [value]


def test_one_file_may_be_read_alone(tmp_path: Path) -> None:
    recorded(tmp_path, generated(1000)).close()
    path = next(iter(sorted(tmp_path.glob("venue=kraken/*/trades.raw*.parquet"))))
    recording = ParquetRecording(path)
    assert {envelope.channel for envelope in recording} == {"trade"}
    assert recording.position == recording.size


def test_a_folder_without_recordings_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no Parquet file of kraken that `depthflow record` wrote"):
        open_recording(tmp_path, "kraken")


def test_two_recorders_do_not_share_a_folder(tmp_path: Path) -> None:
    first = Archive(tmp_path)
    with pytest.raises(ArchiveError, match="another recorder is writing to it"):
        Archive(tmp_path)
    first.close()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError, match="file/below: cannot be written to: Not a directory"):
        Archive(tmp_path / "file" / "below")


def test_memory_is_bounded_over_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.archive.writer.HELD_BYTES", 50_000)
    records = generated(1000)
    archive = Archive(tmp_path)
    for topic, record in records:
        archive.append(topic, record)
        assert sum(part.held for part in archive._parts.values()) < 50_000
    archive.close()
    assert by_key(read(tmp_path)) == values(records)

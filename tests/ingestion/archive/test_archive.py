"""Archived records are read back byte for byte and in order, also after crashes of the recorder."""

from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from core.records import Envelope
from ingestion.archive.writer import Archive, ArchiveError
from ingestion.recordings import RecordingError, open_recording
from ingestion.recordings.parquet import ParquetRecording
from simulator.frame_generator import Generator, Plan
from simulator.registry import SIMULATORS
from venues.routing import route

HOUR_MS = 3_600_000
NINE = 1_767_258_000_000  # 2026-01-01T09:00:00Z
encode = msgspec.json.Encoder().encode


class Record(NamedTuple):
    """Stand-in for a kafka-python record."""

    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes | None


def generated(count: int) -> list[tuple[str, Record]]:
    """Envelopes of all venues in two partitions; the second half is appended an hour later."""
    offsets: dict[tuple[str, int], int] = {}
    records = []
    for number, envelope in enumerate(sorted(islice(Generator(Plan()), count), key=lambda each: each.recv_us)):
        topic, key = route(envelope.venue, envelope.channel, envelope.symbol)
        partition = (topic, len(envelope.symbol) % 2)
        offsets[partition] = offset = offsets.get(partition, -1) + 1
        appended = NINE + (HOUR_MS if number >= count // 2 else 0)
        records.append((topic, Record(partition[1], offset, appended, key.encode(), encode(envelope))))
    return records


def write_archive(root: Path, records: list[tuple[str, Record]]) -> Archive:
    archive = Archive(root)
    for topic, record in records:
        archive.append(topic, record)
    return archive


def by_key(envelopes: list[Envelope]) -> dict[tuple[str, str], list[bytes]]:
    values: dict[tuple[str, str], list[bytes]] = {}
    for envelope in envelopes:
        topic, key = route(envelope.venue, envelope.channel, envelope.symbol)
        values.setdefault((topic, key), []).append(encode(envelope))
    return values


def values(records: list[tuple[str, Record]]) -> dict[tuple[str, str], list[bytes | None]]:
    values: dict[tuple[str, str], list[bytes | None]] = {}
    for topic, record in records:
        values.setdefault((topic, record.key.decode()), []).append(record.value)
    return values


def read(root: Path, venue: str | None = None) -> list[Envelope]:
    return list(open_recording(root, venue))


def test_every_record_is_read_back_byte_for_byte_in_order_per_key(tmp_path: Path) -> None:
    records = generated(2000)
    write_archive(tmp_path, records).close()
    assert by_key(read(tmp_path)) == values(records)


def test_across_keys_envelopes_are_in_the_order_of_receipt(tmp_path: Path) -> None:
    write_archive(tmp_path, generated(2000)).close()
    times = [envelope.recv_us for envelope in read(tmp_path)]
    assert times == sorted(times)


def test_files_are_in_folders_by_venue_and_hour_and_named_by_first_offset(tmp_path: Path) -> None:
    write_archive(tmp_path, generated(1000)).close()
    folders = {path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.glob("**/*.parquet")}
    assert folders == {f"venue={venue}/hour=2026-01-01T{hour}" for venue in SIMULATORS for hour in ("09", "10")}
    for path in tmp_path.glob("venue=kraken/*/*.parquet"):
        first = pq.read_table(path, columns=["offset"], partitioning=None)["offset"][0].as_py()
        assert path.name.endswith(f"-{first:020d}.parquet")


def test_other_parquet_readers_can_filter_by_column(tmp_path: Path) -> None:
    write_archive(tmp_path, generated(1000)).close()
    table = ds.dataset(tmp_path, partitioning="hive").to_table(filter=ds.field("symbol") == "BTC/USD")
    assert set(table["venue"].to_pylist()) == {"kraken"}
    assert {"channel", "recv_us", "value", "hour"} <= set(table.column_names)


def test_one_venue_can_be_selected(tmp_path: Path) -> None:
    write_archive(tmp_path, generated(1000)).close()
    assert {envelope.venue for envelope in read(tmp_path, "deribit")} == {"deribit"}


def test_unfinished_files_are_ignored_and_their_records_read_again_after_a_crash(tmp_path: Path) -> None:
    records = generated(1000)
    killed = write_archive(tmp_path, records[:400])
    killed.roll()
    for topic, record in records[400:700]:
        killed.append(topic, record)
    assert by_key(read(tmp_path)) == values(records[:400])
    killed.release()  # as the system does when a process dies
    write_archive(tmp_path, records[400:]).close()
    assert by_key(read(tmp_path)) == values(records)


def test_files_beyond_the_positions_are_not_written_twice(tmp_path: Path) -> None:
    records = generated(600)
    write_archive(tmp_path, records).close()
    (tmp_path / "_positions.json").unlink()  # a crash between the files and the positions
    again = write_archive(tmp_path, records)
    again.close()
    assert again.written == {}
    assert by_key(read(tmp_path)) == values(records)


def test_positions_are_the_next_offsets_of_every_partition(tmp_path: Path) -> None:
    records = generated(600)
    write_archive(tmp_path, records).close()
    continued = Archive(tmp_path)
    last = {(topic, str(record.partition)): record.offset for topic, record in records}
    assert {(t, p): n - 1 for t, each in continued.positions.items() for p, n in each.items()} == last
    continued.close()


@pytest.mark.parametrize("value", [b"garbage", None, b'{"venue":"../x","channel":"c","symbol":"s"}'])
def test_a_record_that_is_not_an_envelope_is_archived_and_reported(tmp_path: Path, value: bytes | None) -> None:
    write_archive(tmp_path, [("orderbook.raw", Record(0, 7, NINE, b"k", value))]).close()
    recording = open_recording(tmp_path)
    assert list(recording) == []
    assert recording.report.rejected == 1
    (path,) = tmp_path.glob("**/*.parquet")
    assert path.parent.parent.name == "venue=unknown"
    assert ds.dataset(path).to_table()["value"].to_pylist() == [value]


def test_a_single_file_can_be_read(tmp_path: Path) -> None:
    write_archive(tmp_path, generated(1000)).close()
    path = next(iter(sorted(tmp_path.glob("venue=kraken/*/trades.raw*.parquet"))))
    recording = ParquetRecording(path)
    assert {envelope.channel for envelope in recording} == {"trade"}
    assert recording.position == recording.size


def test_a_folder_without_recordings_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no Parquet file of venue kraken written by `depthflow record`"):
        open_recording(tmp_path, "kraken")


def test_two_recorders_cannot_share_a_folder(tmp_path: Path) -> None:
    first = Archive(tmp_path)
    with pytest.raises(ArchiveError, match="another recorder is writing to this folder"):
        Archive(tmp_path)
    first.close()


def test_a_folder_that_cannot_be_created_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError, match="file/below is not writable: Not a directory"):
        Archive(tmp_path / "file" / "below")


def test_memory_is_bounded_over_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.archive.writer.MAX_BUFFERED_BYTES", 50_000)
    records = generated(1000)
    archive = Archive(tmp_path)
    for topic, record in records:
        archive.append(topic, record)
        assert sum(writer.buffered_bytes for writer in archive._writers.values()) < 50_000
    archive.close()
    assert by_key(read(tmp_path)) == values(records)


@pytest.mark.parametrize(
    "fields",
    [
        b'"seq":1,"recv_us":1,"frame":' + b"[" * 100_000 + b"]" * 100_000,
        b'"seq":%d,"recv_us":1,"frame":1' % 2**70,
        b'"seq":1,"recv_us":%d,"frame":1' % -(2**63 + 1),
        b'"seq":1,"recv_us":1,"conn":"\xff"',
    ],
    ids=["deeply nested", "seq beyond 64 bits", "time beyond 64 bits", "not UTF-8"],
)
def test_a_record_that_fits_no_column_is_archived_and_recording_goes_on(tmp_path: Path, fields: bytes) -> None:
    bad = b'{"venue":"binance","channel":"depth","symbol":"X","conn":"c",%b}' % fields
    records = generated(3)
    topic, record = records[0]
    odd = Record(record.partition, record.offset + 1000, record.timestamp, b"k", bad)
    write_archive(tmp_path, [*records, (topic, odd)]).close()
    recording = open_recording(tmp_path)
    assert len(list(recording)) == 3
    assert recording.report.rejected == 1
    (path,) = tmp_path.glob("venue=unknown/*/*.parquet")
    assert pq.read_table(path, partitioning=None)["value"].to_pylist() == [bad]


@pytest.mark.parametrize("column", [{"price": [1.0]}, {"value": [7]}, {"value": ["{}"]}], ids=str)
def test_a_parquet_file_of_others_is_refused_with_its_columns(tmp_path: Path, column: dict[str, list[object]]) -> None:
    path = tmp_path / "orderbook.raw-0000-00000000000000000000.parquet"
    pq.write_table(pa.table(column), path)
    with pytest.raises(RecordingError, match=f"columns {next(iter(column))}; expected a column `value` of bytes"):
        list(ParquetRecording(path))

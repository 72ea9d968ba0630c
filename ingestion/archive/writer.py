"""Writes rows to Parquet files that get their final names when they are complete."""

import fcntl
import os
from pathlib import Path
from typing import Any, TextIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import UserError
from ingestion.archive.layout import DICTIONARY_COLUMNS, SCHEMA, VenuePartition, file_path, find_files, venue_and_row

POSITIONS = "_positions.json"
ROW_GROUP_BYTES = 16 * 1024 * 1024  # bytes of values that one file buffers before it writes a row group
MAX_BUFFERED_BYTES = 256 * 1024 * 1024  # bytes of values that all files together buffer
Positions = dict[str, dict[str, int]]  # next offset by topic and partition


class ArchiveError(UserError):
    """The folder is not writable, the topics do not match the folder, or the broker is unreachable."""


class FileWriter:
    """One file in progress, under a temporary name that readers ignore."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._draft_path = path.with_name(f".{path.name}.part")
        self._writer = pq.ParquetWriter(
            self._draft_path,
            SCHEMA,
            compression="zstd",
            use_dictionary=DICTIONARY_COLUMNS,
            write_statistics=["offset", "recv_us"],
        )
        self._rows: list[tuple[Any, ...]] = []
        self._bytes = 0

    @property
    def buffered_bytes(self) -> int:
        """Bytes of buffered values."""
        return self._bytes

    def add(self, row: tuple[Any, ...]) -> None:
        """Append one row."""
        self._rows.append(row)
        self._bytes += len(row[4] or b"")
        if self._bytes >= ROW_GROUP_BYTES:
            self.write()

    def close(self) -> None:
        """Complete the file, sync it to disk and give it its final name."""
        self.write()
        self._writer.close()
        with self._draft_path.open("rb") as written:
            os.fsync(written.fileno())
        self._draft_path.rename(self._path)

    def write(self) -> None:
        """Write the buffered rows to the file."""
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(SCHEMA)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
        self._rows, self._bytes = [], 0


class Archive:
    """Folder of one recorder. `append` adds records; `roll` completes the files: completed files survive a crash.

    `written` counts records by venue and topic. Records that the folder already contains (after a crash between the
    files and `_positions.json`) are skipped.
    """

    def __init__(self, root: Path) -> None:
        self._lock = _lock_folder(root)
        for draft in root.glob("venue=*/hour=*/.*.part"):
            draft.unlink()  # left by a killed recorder: its records are read again
        self._root = root
        self._writers: dict[tuple[VenuePartition, int], FileWriter] = {}
        by_offset = sorted(find_files(root), key=lambda file: file.first_offset)
        self._newest_files = {file.source: file for file in by_offset}
        self._last: dict[VenuePartition, int] = {}
        self._buffered_estimate = 0  # upper bound of the buffered bytes
        self._positions = self._read_positions()
        self.written: dict[tuple[str, str], int] = {}

    @property
    def positions(self) -> Positions:
        """Next offset of every recorded partition."""
        return self._positions

    def append(self, topic: str, record: Any) -> None:
        """Add a kafka-python record of a topic (name without prefix). Offsets of a partition must ascend."""
        venue, row = venue_and_row(record)
        source = VenuePartition(venue, topic, record.partition)
        self._positions.setdefault(topic, {})[str(record.partition)] = record.offset + 1
        if record.offset <= self._last_offset(source):
            return
        self._last[source] = record.offset
        key = (source, record.timestamp // 3_600_000)
        writer = self._writers.get(key)
        if writer is None:
            writer = self._writers[key] = FileWriter(file_path(self._root, source, record.timestamp, record.offset))
        writer.add(row)
        self._buffered_estimate += len(record.value or b"")
        if self._buffered_estimate >= MAX_BUFFERED_BYTES:
            self._write_largest()
        self.written[venue, topic] = self.written.get((venue, topic), 0) + 1

    def roll(self) -> None:
        """Complete all files, then write the next offsets to `_positions.json`."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        draft = self._root / f".{POSITIONS}.part"
        draft.write_bytes(msgspec.json.encode(self._positions))
        draft.rename(self._root / POSITIONS)

    def close(self) -> None:
        """Complete the files and unlock the folder."""
        self.roll()
        self.release()

    def release(self) -> None:
        """Unlock the folder without completing the files."""
        self._lock.close()

    def _write_largest(self) -> None:
        """Write the files that buffer at least the mean: few large row groups are the fastest to read."""
        self._buffered_estimate = sum(writer.buffered_bytes for writer in self._writers.values())
        if self._buffered_estimate >= MAX_BUFFERED_BYTES:
            for writer in self._writers.values():
                if writer.buffered_bytes * len(self._writers) >= self._buffered_estimate:
                    writer.write()
            self._buffered_estimate = sum(writer.buffered_bytes for writer in self._writers.values())

    def _last_offset(self, source: VenuePartition) -> int:
        if source not in self._last:
            file = self._newest_files.get(source)
            self._last[source] = -1 if file is None else _last_offset(file.path)
        return self._last[source]

    def _read_positions(self) -> Positions:
        path = self._root / POSITIONS
        return msgspec.json.decode(path.read_bytes(), type=Positions) if path.exists() else {}


def _lock_folder(root: Path) -> TextIO:
    """Create the folder if missing and lock it for this recorder. Raises ArchiveError if another one holds the lock."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / "_lock").open("w")
    except OSError as error:
        raise ArchiveError(f"{root} is not writable: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise ArchiveError(
            f"{root}: another recorder is writing to this folder; stop it or choose another folder"
        ) from error
    return lock


def _last_offset(path: Path) -> int:
    offsets = pq.read_table(path, columns=["offset"], partitioning=None)["offset"]
    return int(offsets[-1].as_py()) if len(offsets) else -1

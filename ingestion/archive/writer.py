"""The writing side: rows to files that appear when they are whole."""

import fcntl
import os
from pathlib import Path
from typing import Any, TextIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.archive.layout import REPEATING, SCHEMA, Stream, file_path, find_files, labelled
from market.errors import UserError

POSITIONS = "_positions.json"
GROUP_BYTES = 16 * 1024 * 1024  # of values: what one file keeps in memory before it writes …
HELD_BYTES = 256 * 1024 * 1024  # … and all files together
Positions = dict[str, dict[str, int]]  # next offset by topic and partition


class ArchiveError(UserError):
    """The folder cannot be written to, the topics and the folder do not go together, or no broker answers."""


class Part:
    """One file that is being written, under a name that no reader looks for."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._draft = path.with_name(f".{path.name}.part")
        self._writer = pq.ParquetWriter(
            self._draft, SCHEMA, compression="zstd", use_dictionary=REPEATING, write_statistics=["offset", "recv_us"]
        )
        self._rows: list[tuple[Any, ...]] = []
        self._bytes = 0

    @property
    def held(self) -> int:
        """Bytes of values in memory."""
        return self._bytes

    def add(self, row: tuple[Any, ...]) -> None:
        """Append one row."""
        self._rows.append(row)
        self._bytes += len(row[4] or b"")
        if self._bytes >= GROUP_BYTES:
            self.write()

    def close(self) -> None:
        """Make the file whole and give it its name."""
        self.write()
        self._writer.close()
        with self._draft.open("rb") as written:
            os.fsync(written.fileno())
        self._draft.rename(self._path)

    def write(self) -> None:
        """Put what is held into the file."""
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(SCHEMA)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
        self._rows, self._bytes = [], 0


class Archive:
    """One recorder's folder. `append` what comes, `roll` now and then: what is rolled survives a crash.

    `written` counts records by venue and topic. A record that the folder has already (after a crash between the files
    and the positions) is passed over.
    """

    def __init__(self, root: Path) -> None:
        self._lock = _locked(root)
        for draft in root.glob("venue=*/hour=*/.*.part"):
            draft.unlink()  # left by a recorder that was killed: its records are read again
        self._root = root
        self._parts: dict[tuple[Stream, int], Part] = {}
        self._reach = {file.stream: file for file in sorted(find_files(root), key=lambda file: file.first_offset)}
        self._last: dict[Stream, int] = {}
        self._added = 0  # bytes of values since they were last counted: no less than what is held
        self._next: dict[str, dict[str, int]] = self._read_positions()
        self.written: dict[tuple[str, str], int] = {}

    @property
    def positions(self) -> Positions:
        """The next offset of every partition that was ever recorded."""
        return self._next

    def append(self, topic: str, record: Any) -> None:
        """Add a record of a topic (its name without prefix). Offsets of a partition ascend."""
        venue, row = labelled(record)
        stream = Stream(venue, topic, record.partition)
        self._next.setdefault(topic, {})[str(record.partition)] = record.offset + 1
        if record.offset <= self._last_offset(stream):
            return
        self._last[stream] = record.offset
        place = (stream, record.timestamp // 3_600_000)
        part = self._parts.get(place)
        if part is None:
            part = self._parts[place] = Part(file_path(self._root, stream, record.timestamp, record.offset))
        part.add(row)
        self._added += len(record.value or b"")
        if self._added >= HELD_BYTES:
            self._ease()
        self.written[venue, topic] = self.written.get((venue, topic), 0) + 1

    def roll(self) -> None:
        """Make all files whole, then say how far they reach."""
        for part in self._parts.values():
            part.close()
        self._parts.clear()
        draft = self._root / f".{POSITIONS}.part"
        draft.write_bytes(msgspec.json.encode(self._next))
        draft.rename(self._root / POSITIONS)

    def close(self) -> None:
        """Roll, and leave the folder to others."""
        self.roll()
        self.release()

    def release(self) -> None:
        """Leave the folder to others, as it is."""
        self._lock.close()

    def _ease(self) -> None:
        """Write the files that hold more than the mean: few and large groups read best."""
        self._added = sum(part.held for part in self._parts.values())
        if self._added >= HELD_BYTES:
            for part in self._parts.values():
                if part.held * len(self._parts) >= self._added:
                    part.write()
            self._added = sum(part.held for part in self._parts.values())

    def _last_offset(self, stream: Stream) -> int:
        if stream not in self._last:
            file = self._reach.get(stream)
            self._last[stream] = -1 if file is None else _last_offset(file.path)
        return self._last[stream]

    def _read_positions(self) -> Positions:
        path = self._root / POSITIONS
        return msgspec.json.decode(path.read_bytes(), type=Positions) if path.exists() else {}


def _locked(root: Path) -> TextIO:
    """The folder, made if need be, for this recorder alone."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / "_lock").open("w")
    except OSError as error:
        raise ArchiveError(f"{root}: cannot be written to: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise ArchiveError(f"{root}: another recorder is writing to it. Choose another folder, or stop it") from error
    return lock


def _last_offset(path: Path) -> int:
    offsets = pq.read_table(path, columns=["offset"], partitioning=None)["offset"]
    return int(offsets[-1].as_py()) if len(offsets) else -1

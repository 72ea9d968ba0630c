"""Bounded first-in, first-out buffer on disk for records that the broker cannot take yet.

It is an SQLite file without a persistent journal or syncs: its content is worthless after a crash, because the next
forwarder resynchronises every book. SQLite's page limit bounds the file, which shrinks only when it is closed.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import NamedTuple, cast

from core.errors import UserError

PAGE_BYTES = 4096
SCHEMA = "CREATE TABLE records (id INTEGER PRIMARY KEY, topic TEXT, key BLOB, value BLOB, recv_us INTEGER)"
COLUMNS = "topic, key, value, recv_us"


class QueuedRecord(NamedTuple):
    """An encoded envelope, its topic (without prefix), its key, and its receive time (epoch µs)."""

    topic: str
    key: bytes
    value: bytes
    recv_us: int


class SpillFull(Exception):
    """The buffer has no space for the batch; no record of it was written."""


class SpillError(UserError):
    """The buffer's file cannot be written."""


class Spill:
    """A buffer used by one thread. `count` and `value_bytes` describe the records in it."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Create an unlinked file in `folder`: it disappears with the process, even in a crash. Raises SpillError."""
        self.count = 0
        self.value_bytes = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, path = mkstemp(".spill", dir=folder)
            os.close(handle)
            try:
                self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                self._db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
                self._db.execute("PRAGMA journal_mode = MEMORY")  # sufficient to roll a batch back
                self._db.execute("PRAGMA synchronous = OFF")
                self._db.execute("PRAGMA temp_store = MEMORY")
                self._db.execute(f"PRAGMA max_page_count = {max(8, max_bytes // PAGE_BYTES)}")
                self._db.execute(SCHEMA)
            finally:
                os.unlink(path)
        except (OSError, sqlite3.Error) as error:
            raise SpillError(
                f"cannot write the disk buffer in {folder}: {error}; set SPILL_DIR to a writable folder"
            ) from None

    def append(self, records: Sequence[QueuedRecord]) -> None:
        """Append all records or none. Raises SpillFull."""
        try:
            self._db.execute("BEGIN")
            self._db.executemany(f"INSERT INTO records ({COLUMNS}) VALUES (?, ?, ?, ?)", records)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            # A full disk and a full buffer are reported alike. SQLite may have rolled back already.
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise SpillFull(str(error)) from error
        self.count += len(records)
        self.value_bytes += sum(len(record.value) for record in records)

    def take(self, max_records: int) -> list[QueuedRecord]:
        """Remove and return up to `max_records` of the oldest records."""
        rows = self._db.execute(f"SELECT id, {COLUMNS} FROM records ORDER BY id LIMIT ?", (max_records,)).fetchall()
        if rows:
            self._db.execute("DELETE FROM records WHERE id <= ?", (rows[-1][0],))
        records = [QueuedRecord(*cast(tuple[str, bytes, bytes, int], row[1:])) for row in rows]
        self.count -= len(records)
        self.value_bytes -= sum(len(record.value) for record in records)
        return records

    def close(self) -> None:
        """Delete the buffer with its content."""
        self._db.close()

"""A bounded first-in, first-out buffer on disk, for the time that the broker is away.

SQLite, without a journal or syncs: after a crash the content is worthless anyway, because the next forwarder
resynchronises every book. Its page limit is the bound; its file does not shrink before it is let go.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import NamedTuple, cast

from market.errors import UserError

PAGE_BYTES = 4096
SCHEMA = "CREATE TABLE records (id INTEGER PRIMARY KEY, topic TEXT, key BLOB, value BLOB, recv_us INTEGER)"
COLUMNS = "topic, key, value, recv_us"


class Record(NamedTuple):
    """An encoded envelope, the topic it goes to (without prefix), its key, and when it was received (epoch µs)."""

    topic: str
    key: bytes
    value: bytes
    recv_us: int


class SpillFull(Exception):
    """There is no room for what was to be written; nothing of it was."""


class SpillError(UserError):
    """The buffer's file cannot be written."""


class Spill:
    """One thread's buffer. `count` and `value_bytes` tell what waits in it."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Make a file without a name in `folder`: it is gone with the process, however that ends. Raises SpillError."""
        self.count = 0
        self.value_bytes = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, path = mkstemp(".spill", dir=folder)
            os.close(handle)
            try:
                self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                self._db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
                self._db.execute("PRAGMA journal_mode = MEMORY")  # enough to take a refused batch back
                self._db.execute("PRAGMA synchronous = OFF")
                self._db.execute("PRAGMA temp_store = MEMORY")
                self._db.execute(f"PRAGMA max_page_count = {max(8, max_bytes // PAGE_BYTES)}")
                self._db.execute(SCHEMA)
            finally:
                os.unlink(path)
        except (OSError, sqlite3.Error) as error:
            raise SpillError(
                f"cannot write the disk buffer in {folder}: {error}; set SPILL_DIR to a folder that can"
            ) from None

    def append(self, records: Sequence[Record]) -> None:
        """Put records at the end, all or none. Raises SpillFull."""
        try:
            self._db.execute("BEGIN")
            self._db.executemany(f"INSERT INTO records ({COLUMNS}) VALUES (?, ?, ?, ?)", records)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            # A full disk and a full buffer are told alike; SQLite may have rolled back by itself.
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise SpillFull(str(error)) from error
        self.count += len(records)
        self.value_bytes += sum(len(record.value) for record in records)

    def take(self, most: int) -> list[Record]:
        """Remove up to `most` records from the front."""
        rows = self._db.execute(f"SELECT id, {COLUMNS} FROM records ORDER BY id LIMIT ?", (most,)).fetchall()
        if rows:
            self._db.execute("DELETE FROM records WHERE id <= ?", (rows[-1][0],))
        taken = [Record(*cast(tuple[str, bytes, bytes, int], row[1:])) for row in rows]
        self.count -= len(taken)
        self.value_bytes -= sum(len(record.value) for record in taken)
        return taken

    def close(self) -> None:
        """Let the buffer go, with whatever is in it."""
        self._db.close()

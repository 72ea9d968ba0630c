"""The bytes of a recording, line by line: a file or standard input, gzip or not."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from ingestion.recordings.account import Account, RecordingError

GZIP_MAGIC = b"\x1f\x8b"
LONGEST_LINE = 64 * 1024 * 1024
STDIN = Path("-")

Line = tuple[int, bytes]


class Source:
    """Lines with their numbers, from 1, without their ends; one pass, in constant memory. Use it as a context."""

    def __init__(self, path: Path) -> None:
        self._raw = _open(path)
        compressed = self._raw.peek(2)[:2] == GZIP_MAGIC
        self._plain = (
            io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=self._raw))) if compressed else self._raw
        )
        self.size = path.stat().st_size if path.is_file() else None

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    @property
    def position(self) -> int:
        """Bytes read of the file as it lies on disk; 0 for a pipe."""
        return self._raw.tell() if self._raw.seekable() else 0

    def lines(self, account: Account) -> Iterator[Line]:
        """Every line that is not blank. A damaged end of a gzip file and an endless line are rejects, then it ends."""
        number = 0
        while True:
            number += 1
            try:
                line = self._plain.readline(LONGEST_LINE)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                account.reject(number, f"the compressed file is damaged here, the rest is lost: {error}")
                return
            if len(line) == LONGEST_LINE:
                account.reject(number, f"line longer than {LONGEST_LINE} bytes, the rest is not read")
                return
            if not line:
                return
            if stripped := line.strip():
                yield number, stripped


def _open(path: Path) -> io.BufferedReader:
    if path == STDIN:
        return cast(io.BufferedReader, sys.stdin.buffer)
    try:
        return open(path, "rb")
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error

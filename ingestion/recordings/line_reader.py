"""Reads a recording line by line: a file or standard input, gzip or plain."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from ingestion.recordings.import_report import ImportReport, Position, RecordingError

GZIP_MAGIC = b"\x1f\x8b"
UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff", b"{\0", b"[\0", b"\0{", b"\0[")  # with and without a byte order mark
OTHER_COMPRESSIONS = {b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zX": "xz", b"BZh": "bzip2", b"PK\x03\x04": "zip"}
MAX_LINE_BYTES = 64 * 1024 * 1024
STDIN = Path("-")

NumberedLine = tuple[Position, bytes]


class LineReader:
    """Numbered lines (from 1) without line ends; one pass, in constant memory. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self._raw = _open(path)
        compressed = self._raw.peek(2)[:2] == GZIP_MAGIC
        # Not in a BufferedReader: it would read a whole block, and lose what it has of one that is damaged.
        self._lines_file = gzip.GzipFile(fileobj=self._raw) if compressed else self._raw
        self.size = path.stat().st_size if path.is_file() else None

    def __enter__(self) -> "LineReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    @property
    def position(self) -> int:
        """Bytes read of the file on disk (compressed, if it is); 0 for a pipe."""
        return self._raw.tell() if self._raw.seekable() else 0

    def lines(self, report: ImportReport) -> Iterator[NumberedLine]:
        """Yield every line, blank ones as empty bytes; a line's UTF-8 byte order mark is left out.

        Damaged gzip data and an overlong line are rejected and end the input. Raises RecordingError for UTF-16 and for
        compressions other than gzip.
        """
        number = 0
        while True:
            number += 1
            try:
                line = self._lines_file.readline(MAX_LINE_BYTES)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                report.reject(number, f"the compressed file is damaged from here on; the rest is skipped: {error}")
                return
            if len(line) == MAX_LINE_BYTES:
                report.reject(number, f"line longer than {MAX_LINE_BYTES} bytes; the rest is skipped")
                return
            if not line:
                return
            if number == 1:
                _check_encoding(report.path, line)
            yield number, line.removeprefix(UTF8_MARK).strip()  # also where files were joined


def _check_encoding(path: Path, line: bytes) -> None:
    if line.startswith(UTF16_MARKS):
        raise RecordingError(f"{path}: the text is UTF-16, expected UTF-8; convert it with `iconv -f UTF-16 -t UTF-8`")
    for magic, name in OTHER_COMPRESSIONS.items():
        if line.startswith(magic):
            raise RecordingError(f"{path}: compressed with {name}, expected gzip or plain text; decompress it first")


def _open(path: Path) -> io.BufferedReader:
    if path == STDIN:
        return cast(io.BufferedReader, sys.stdin.buffer)
    try:
        return open(path, "rb")
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error

"""Recordings of what exchanges sent, as envelopes: every format of `frames/SOURCES.md`, gzip or not, told by content.

`open_recording` reads one file, or a folder that `depthflow record` wrote, and keeps account of it; `read_recordings`
is the short way for who wants the envelopes only.
Raises RecordingError for a file that cannot be read at all; single lines that cannot be used are counted, not raised.
"""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

import msgspec

from ingestion.labels import FRAME_ERRORS, VENUES
from ingestion.recordings import formats
from ingestion.recordings.account import Account, RecordingError
from ingestion.recordings.detection import Detected, detect
from ingestion.recordings.intake import Intake
from ingestion.recordings.source import Line, Source
from market.records import Envelope

__all__ = ["Account", "Readable", "Recording", "RecordingError", "open_recording", "read_recordings"]

HEAD_LINES = 50
FORMATS = {"hftbacktest": formats.hftbacktest, "cryptofeed": formats.cryptofeed, "plain": formats.plain}


class Readable(Protocol):
    """What every recording offers: envelopes, once; the account of them; how far it is read, in bytes of the disk."""

    account: Account

    def __iter__(self) -> Iterator[Envelope]: ...

    @property
    def size(self) -> int | None: ...

    @property
    def position(self) -> int: ...


class Recording:
    """One recording. Iterate once for its envelopes, in the order of the file; memory stays constant.

    `venue`: which venue's frames these are, where the file does not say; where it does (cryptofeed, envelopes), the
    venue to keep. `account` is complete when the iteration is.
    """

    def __init__(self, path: Path, venue: str | None = None) -> None:
        if venue is not None and venue not in VENUES:
            raise RecordingError(f"unknown venue {venue!r}: expected one of {', '.join(VENUES)}")
        self.account = Account(path)
        self._venue = venue
        self._source = Source(path)

    def __iter__(self) -> Iterator[Envelope]:
        with self._source as source:
            lines = source.lines(self.account)
            head = list(islice(lines, HEAD_LINES))
            for envelope in self._read(head, lines):
                if envelope is not None:
                    yield envelope

    @property
    def size(self) -> int | None:
        """Bytes of the file on disk; None for a pipe."""
        return self._source.size

    @property
    def position(self) -> int:
        """How many of them have been read."""
        return self._source.position

    def _read(self, head: list[Line], rest: Iterator[Line]) -> Iterator[Envelope | None]:
        path = self.account.path
        if not head:
            raise RecordingError(next(iter(self.account.complaints), f"{path}: the file is empty"))
        lines: Iterator[Line] = chain(head, rest)
        found = detect(head)
        if found is None:
            document = self._document(lines)
            found, lines = detect([document]), iter([document])
        if found is None:
            raise RecordingError(f"{path}: not a recording that depthflow knows (hftbacktest, cryptofeed, JSON lines)")
        if found.format == "envelopes":
            return formats.envelopes(lines, self.account, self._venue)
        return FORMATS[found.format](lines, Intake(self._check_venue(found), self.account, found.symbol))

    def _document(self, lines: Iterator[Line]) -> Line:
        """The whole file as one frame: a reply that somebody stored pretty-printed."""
        text = b"\n".join(line for _, line in lines)
        try:
            msgspec.json.decode(text, type=msgspec.Raw)
        except FRAME_ERRORS as error:
            raise RecordingError(
                f"{self.account.path}: neither lines that depthflow knows nor JSON: {error}"
            ) from error
        return 1, text

    def _check_venue(self, found: Detected) -> str:
        path = self.account.path
        if found.format == "cryptofeed" and found.venue not in VENUES:
            raise RecordingError(f"{path}: recorded at {found.venue}, expected one of {', '.join(VENUES)}")
        if found.format == "cryptofeed" and self._venue not in (None, found.venue):
            raise RecordingError(f"{path}: recorded at {found.venue}, but --venue says {self._venue}")
        venue = self._venue or found.venue
        if venue is None:
            raise RecordingError(f"{path}: the frames do not tell their venue; say --venue ({', '.join(VENUES)})")
        return venue


def open_recording(path: Path, venue: str | None = None) -> Readable:
    """The recording at `path`: one file of any known format, or a folder of Parquet files."""
    from ingestion.recordings.parquet import ParquetRecording, is_parquet  # loads pyarrow

    return ParquetRecording(path, venue) if is_parquet(path) else Recording(path, venue)


def read_recordings(*paths: Path, venue: str | None = None) -> Iterator[Envelope]:
    """Envelopes of the recordings one after the other; rejects are passed over (see `Recording.account`)."""
    for path in paths:
        yield from open_recording(path, venue)

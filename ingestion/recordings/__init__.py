"""Recorded exchange frames as envelopes; the format and the venue are detected from the content.

Formats: lines with a receive time before the frame (hftbacktest, tardis.dev), cryptofeed's JSON lines (format 2), JSON
frames one per line or in an array, wrappers of a time and a frame, depthflow's own envelopes, each plain or gzip, and
the Parquet folders of `depthflow record` (docs/recordings.md).

`open_recording` returns the envelopes of one recording and a report of what was accepted, ignored and rejected;
`read_recordings` returns the envelopes of several, which continue one another. A recording that cannot be read raises
RecordingError; single lines that cannot be decoded are counted in the report.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

from core.records import Envelope
from ingestion.recordings import formats
from ingestion.recordings.detection import Detection, detect
from ingestion.recordings.frame_reader import FrameReader, Streams
from ingestion.recordings.import_report import ImportReport, ReadAccount, RecordingError
from ingestion.recordings.line_reader import LineReader, NumberedLine
from ingestion.recordings.wrappers import array_items, expand_arrays, fault, field_names, is_array
from venues.registry import VENUES

__all__ = [
    "EnvelopeSource",
    "ImportReport",
    "ReadAccount",
    "ReadOptions",
    "Recording",
    "RecordingError",
    "open_recording",
    "read_recordings",
]

HEAD_LINES = 50
MOST_HEAD_LINES = 100_000  # lines without market data before the first frame
SHOWN_FIELDS = 8
EXPECTED = (
    "expected JSON lines of exchange frames, hftbacktest, tardis.dev or cryptofeed lines, or depthflow's own files"
)


@dataclass
class ReadOptions:
    """Options and common state of the recordings of one call: each file continues the connections of the one before.

    `symbol` names frames that name none. `depth`: depth of the books in a recording that lacks the
    acknowledgements which name it. `separate`: no file continues another, and connections end with their files.
    """

    symbol: str = ""
    depth: int | None = None
    separate: bool = False
    _streams: dict[str, Streams] = field(default_factory=dict)

    def streams(self, venue: str) -> Streams:
        """Connections of a venue."""
        if venue not in self._streams:
            self._streams[venue] = Streams(venue, self.depth)
        return self._streams[venue]

    def start_file(self) -> None:
        """Forget the connections of the files before if the files are separate."""
        if self.separate:
            self._streams.clear()


class EnvelopeSource(Protocol):
    """A recording: iterate once for its envelopes. `report` is complete after the iteration."""

    report: ImportReport

    def __iter__(self) -> Iterator[Envelope]: ...

    @property
    def size(self) -> int | None:
        """Bytes on disk; None for a pipe."""

    @property
    def position(self) -> int:
        """Bytes read so far, out of `size`."""


class Recording:
    """One file. Iterate once for its envelopes, in the order of the file; memory stays constant.

    `venue`: venue of the frames when the file does not name it; for files that do, the expected venue (cryptofeed) or
    the only venue to read (envelopes). `options` are shared by the files of one call. `report` is complete after the
    iteration. Raises RecordingError for an unknown venue and a missing file; iterating raises it for an unknown format
    or venue. A JSON document over several lines is read into memory as a whole.
    """

    def __init__(self, path: Path, venue: str | None = None, options: ReadOptions | None = None) -> None:
        if venue is not None and venue not in VENUES:
            raise RecordingError(f"unknown venue {venue!r}: expected one of {', '.join(VENUES)}")
        self.report = ImportReport(path)
        self._venue = venue
        self._options = ReadOptions() if options is None else options
        self._reader = LineReader(path)

    def __iter__(self) -> Iterator[Envelope]:
        self._options.start_file()
        with self._reader as reader:
            lines = reader.lines(self.report)
            head = list(islice(lines, HEAD_LINES))
            for envelope in self._read(head, lines):
                if envelope is not None:
                    yield envelope

    @property
    def size(self) -> int | None:
        """Bytes of the file on disk; None for a pipe."""
        return self._reader.size

    @property
    def position(self) -> int:
        """Bytes read so far, out of `size`."""
        return self._reader.position

    def _read(self, head: list[NumberedLine], remaining: Iterator[NumberedLine]) -> Iterator[Envelope | None]:
        path = self.report.path
        if not any(line for _, line in head):
            raise RecordingError(next(iter(self.report.errors), f"{path}: the file is empty"))
        head, remaining = list(expand_arrays(iter(head))), expand_arrays(remaining)
        found = self._detect(head, remaining)
        lines: Iterator[NumberedLine] = chain(head, remaining)
        if found is None or head[0][1] == b"[":
            head = self._document(lines)
            found, lines = detect(head[:HEAD_LINES]), iter(head)
        if found is None:
            raise RecordingError(f"{path}: unknown format; {_describe(head)}")
        detection, symbols = found
        if detection.format != "stamped":
            lines = (pair for pair in lines if pair[1])
        if detection.format == "envelopes":
            return formats.envelopes(lines, self.report, self._venue)
        return self._read_frames(detection, symbols, lines)

    def _detect(
        self, head: list[NumberedLine], remaining: Iterator[NumberedLine]
    ) -> tuple[Detection, frozenset[str]] | None:
        """Format and venue, from more lines than the first if these have no frame of a venue; `head` gets the lines."""
        found, searched = detect(head), head
        while searched and len(head) < MOST_HEAD_LINES and self._is_open(found, searched):
            searched = list(islice(remaining, HEAD_LINES))
            head += searched
            found = detect(searched) or found
        return found

    def _is_open(self, found: tuple[Detection, frozenset[str]] | None, searched: list[NumberedLine]) -> bool:
        """True if lines were found, but none of them with a frame of a venue."""
        if found is None:
            return any(field_names(line) is not None for _, line in searched)
        return found[0].format == "stamped" and found[0].venue is None and self._venue is None

    def _read_frames(
        self, detection: Detection, symbols: frozenset[str], lines: Iterator[NumberedLine]
    ) -> Iterator[Envelope | None]:
        streams = self._options.streams(self._check_venue(detection))
        reader = FrameReader(streams, self.report, symbols, self._options.symbol)
        if detection.wrapper is not None:
            self.report.note = str(detection.wrapper)
            yield from formats.wrapped(detection.wrapper, lines, reader)
        elif detection.format == "stamped":
            yield from formats.stamped(lines, reader)
        elif detection.format == "cryptofeed":
            yield from formats.cryptofeed(lines, reader)
        else:
            yield from formats.plain(lines, reader)
        reader.take_lost()
        if self._options.separate:
            yield from reader.disconnect()

    def _document(self, lines: Iterator[NumberedLine]) -> list[NumberedLine]:
        """The whole file as one frame or an array of frames: pretty-printed JSON. The file's lines if it is none."""
        numbered = list(lines)
        text = b"\n".join(line for _, line in numbered)
        items = array_items(text)
        if items is not None:
            return [(f"item {number}", item) for number, item in enumerate(items)]
        if text.startswith(b"[") and len(numbered) > 1 and not is_array(numbered[0][1]):
            raise RecordingError(f"{self.report.path}: a JSON array that is cut off or damaged")
        return numbered if field_names(text) is None else [(1, text)]

    def _check_venue(self, detection: Detection) -> str:
        path = self.report.path
        if detection.format == "cryptofeed" and detection.venue not in (None, *VENUES):
            raise RecordingError(f"{path}: recorded at {detection.venue}, expected one of {', '.join(VENUES)}")
        if detection.format == "cryptofeed" and detection.venue and self._venue not in (None, detection.venue):
            raise RecordingError(f"{path}: recorded at {detection.venue}, but --venue is {self._venue}")
        venue = self._venue or detection.venue
        if venue is None:
            raise RecordingError(f"{path}: the frames name no venue; set --venue to one of {', '.join(VENUES)}")
        return venue


def open_recording(path: Path, venue: str | None = None, options: ReadOptions | None = None) -> EnvelopeSource:
    """Open a recording: a file of any supported format, `-` for standard input, or a folder of `depthflow record`.

        recording = open_recording(Path("frames.jsonl.gz"))
        for envelope in recording:
            ...
        recording.report.rejected

    `venue`: venue of a file that does not name one; of a folder or a file of envelopes, the only venue to read.
    `options`: the same object for files that continue one another.
    Raises RecordingError, here or while iterating, when the recording cannot be read; its text names the remedy.
    """
    from ingestion.recordings.parquet import ParquetRecording, is_parquet  # loads pyarrow

    return ParquetRecording(path, venue) if is_parquet(path) else Recording(path, venue, options)


def read_recordings(*paths: Path, venue: str | None = None, options: ReadOptions | None = None) -> Iterator[Envelope]:
    """Yield the envelopes of several recordings, one after the other; rejected lines are skipped silently.

    A file continues the connections of the one before unless `options` say that the files are separate.
    """
    options = ReadOptions() if options is None else options
    for path in paths:
        yield from open_recording(path, venue, options)


def _describe(lines: list[NumberedLine]) -> str:
    """Description of lines in which no frame was found."""
    first = next(line for _, line in lines if line)
    for line in (line for _, line in lines):
        names = field_names(line)
        if names is not None:
            shown = ", ".join(names[:SHOWN_FIELDS]) + (" …" if len(names) > SHOWN_FIELDS else "")
            return f"JSON lines with keys {shown}: no frame that depthflow knows; {EXPECTED}"
    if first.startswith(b"{") and not first.startswith(b"{'"):
        return f"the first line is not JSON: {fault(first)}"
    if first.startswith((b"{'", b"[{'", b"b'", b'b"')):
        return "Python's notation of a dict, not JSON; write frames with json.dumps, or as they were received"
    return f"the first line is {first[:60].decode(errors='replace')!r}; {EXPECTED}"

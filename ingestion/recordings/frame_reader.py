"""Converts recorded frames to envelopes: classifies, stamps, and reports frames that it rejects."""

from collections.abc import Collection, Iterable, Iterator

from core.envelope import MAX_VALUE_BYTES
from core.records import Envelope
from ingestion.recordings.import_report import ImportReport, Position, RecordingError
from ingestion.recordings.times import MAX_US
from venues.frame_info import FRAME_ERRORS, Classifier, FrameInfo
from venues.registry import VENUES
from venues.stamping import Stamper, connection_id
from venues.venue import Venue

ENVELOPE_BYTES = 64 * 1024  # more than an envelope adds to its frame
ENDS = (b'"', b"@", b".", b"\\")  # characters that follow a symbol in a frame, or in a frame quoted as text
SECONDS_US = 10**12, 4_102_444_800_000  # seconds of 2001 to 2100, taken for milliseconds
START_BYTES = 12  # start of a frame, long enough to count the frames in one line


class Streams:
    """Connections of one venue, continued by the files of one call: numbers, depths, symbols and the newest time."""

    def __init__(self, venue: str, depth: int | None = None) -> None:
        self.venue = venue
        self.classify = _open_classifier(venue, depth)
        self.stampers: dict[str, Stamper] = {}
        self.symbols: set[str] = set()
        self.newest_us = 0

    def stamper(self, conn: str, file_name: str) -> Stamper:
        """Stamper of a connection; its id is made of its name and of the first file that it appears in."""
        if conn not in self.stampers:
            self.stampers[conn] = Stamper(self.venue, connection_id(file_name, conn))
        return self.stampers[conn]

    def skip_numbers(self, text: bytes) -> None:
        """Skip a number for the frames that a line may have contained, on every connection."""
        symbols = _named_symbols(text, self.symbols)
        for stamper in self.stampers.values():
            stamper.skip_number(symbols)


class FrameReader:
    """Reads the frames of one recording at one venue, in order.

    A frame without a symbol (a REST snapshot) gets the only symbol of the file, or else the `requested` one, or else
    the only symbol of the files before. `symbols`: those that the file's first lines name.
    An unusable line consumes a `seq` number of each symbol that it may belong to: that hole is a gap.
    """

    def __init__(
        self,
        streams: Streams,
        report: ImportReport,
        symbols: Iterable[str] = (),
        requested: str = "",
    ) -> None:
        self.report = report
        self._streams = streams
        self._classify = streams.classify
        self._symbols = set(symbols)
        self._requested = requested
        self._last_us = 0

    @property
    def venue(self) -> Venue:
        """Venue of the frames."""
        return VENUES[self._streams.venue]

    def to_envelope(
        self, line: Position, frame: bytes, recv_us: int | None = None, conn: str = "", symbol: str = ""
    ) -> Envelope | None:
        """Envelope of one frame; None when it is ignored or rejected, as counted in the report.

        Without `recv_us`, the receive time is the venue's own time, made monotonic within the file.
        """
        try:
            info = self._classify(frame)
            _check_text(frame)
        except FRAME_ERRORS as error:
            self.report.reject(line, str(error), frame)
            return None
        if not info.forwarded:
            self.report.ignored[info.channel] += 1
            return None
        reason = self._fault(info, recv_us)
        symbol = symbol or info.symbol or self._only_symbol()
        if not symbol:
            reason = reason or f"{info.channel} names no symbol, and {self._describe_symbols()}"
        if reason:
            self.report.reject(line, reason, frame)
            return None
        return self._stamp(line, frame, info, symbol, recv_us, conn)

    def disconnect(self) -> Iterator[Envelope]:
        """Events that end every connection."""
        self.take_lost()
        for stamper in self._streams.stampers.values():
            yield from stamper.events("disconnected", self._last_us)

    def take_lost(self) -> None:
        """Skip numbers for the lines that were rejected since the last call."""
        for text in self.report.lost:
            self._streams.skip_numbers(text)
        self.report.lost.clear()

    def _stamp(
        self, line: Position, frame: bytes, info: FrameInfo, symbol: str, recv_us: int | None, conn: str
    ) -> Envelope:
        if self.report.lost:
            self.take_lost()
        streams = self._streams
        self._symbols.add(symbol)
        streams.symbols.add(symbol)
        if recv_us is None:
            recv_us = max(self._last_us, info.time_us or 0) or streams.newest_us
        self._last_us = recv_us
        streams.newest_us = max(streams.newest_us, recv_us)
        self.report.accepted += 1
        self.report.position = line
        return streams.stamper(conn, self.report.path.name).stamp(info.channel, symbol, recv_us, frame)

    def _fault(self, info: FrameInfo, recv_us: int | None) -> str:
        """Reason for which a frame's times cannot be used; "" if they can."""
        if recv_us is not None and not 0 <= recv_us < MAX_US:
            return f"receive time {recv_us} µs: expected a time between 1970 and 2255"
        if info.time_us is not None and not 0 <= info.time_us < MAX_US:
            time = info.time_us // 1000
            return f"time {time} of the frame: expected epoch milliseconds, it looks like microseconds or nanoseconds"
        if info.time_us is not None and SECONDS_US[0] <= info.time_us < SECONDS_US[1]:
            return f"time {info.time_us // 1000} of the frame: expected epoch milliseconds, it looks like seconds"
        return ""

    def _only_symbol(self) -> str:
        if self._symbols:
            return next(iter(self._symbols)) if len(self._symbols) == 1 else ""
        if self._requested:
            return self._requested
        return next(iter(self._streams.symbols)) if len(self._streams.symbols) == 1 else ""

    def _describe_symbols(self) -> str:
        symbols = sorted(self._symbols or self._streams.symbols)
        if not symbols:
            return "no frame before it does: name it with --symbol"
        shown = ", ".join(symbols[:5]) + (" …" if len(symbols) > 5 else "")
        return f"the recording has {len(symbols)}: {shown}"


def _open_classifier(venue: str, depth: int | None) -> Classifier:
    found = VENUES[venue]
    if depth is None or found.open_sized_classifier is None:
        return found.open_classifier()
    try:
        return found.open_sized_classifier(depth)
    except ValueError as error:
        raise RecordingError(f"depth of {venue}: {error}") from None


def _check_text(frame: bytes) -> None:
    """Raise ValueError for a frame that no envelope can contain."""
    if len(frame) > MAX_VALUE_BYTES - ENVELOPE_BYTES:
        raise ValueError(f"expected at most {MAX_VALUE_BYTES - ENVELOPE_BYTES} bytes, got {len(frame)}")
    if not frame.isascii():
        frame.decode()


def _named_symbols(text: bytes, known: Collection[str]) -> list[str] | None:
    """Known symbols that a line names; None when it may also have contained a frame of another one."""
    lower = text.lower()
    counts = {symbol: _mentions(lower, symbol.lower().encode()) for symbol in known}
    named = [symbol for symbol, count in counts.items() if count]
    frames = max(lower.count(lower[:START_BYTES]), 1) if len(lower) >= START_BYTES else 1
    return named if named and sum(counts.values()) >= frames else None


def _mentions(text: bytes, name: bytes) -> int:
    """Number of places where a text has a name that ends there: `btcusdt@` and `"BTCUSDT"`, not `btcusdtp`."""
    parts = text.split(name)
    before_and_after = zip(parts, parts[1:], strict=False)
    return sum(not before[-1:].isalnum() and after[:1] in ENDS for before, after in before_and_after)

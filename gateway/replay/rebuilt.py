"""Events of a span, from raw records by the same builder as the books job and `depthflow rebuild`."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain

import msgspec
from msgspec import Raw, Struct

from core.envelope import DECODE_ERRORS, decode_envelope
from core.records import Status
from gateway.replay.request import ReplayRequest, ReplayUnavailable, event_line, line
from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from market.orderbook.cache_messages import trade_message
from venues.registry import open_builder

MAX_RECORDS = 3_000_000  # of the book, from the snapshot on
MAX_BYTES = 96 * 1024 * 1024  # of events
MAX_EARLY_LINES = 10_000  # events before the first book
PROGRESS_RECORDS = 20_000


class _Levels(Struct, gc=False):
    bids: Raw
    asks: Raw


_decode_levels = msgspec.json.Decoder(_Levels).decode
_decode_status = msgspec.json.Decoder(Status).decode


class _Span:
    """Collects the lines of one span; books are conflated to one in `every_ms`."""

    def __init__(self, request: ReplayRequest) -> None:
        self._request = request
        self._trust: dict[str, object] = {"trusted": False, "state": None, "reason": None, "since": None}
        self._pending: tuple[int, Batch] | None = None
        self._sent_ms = -1
        self.began = False
        self.books = self.trades = 0
        self._lines: list[bytes] = []

    def add(self, time_ms: int, batch: Batch) -> None:
        """Add what one frame changed."""
        inside = time_ms >= self._request.from_ms
        if inside and not self.began:
            self._begin()
        if inside and self._pending is not None and time_ms - self._sent_ms >= self._request.every_ms:
            self._send()
        for status in batch.statuses:
            if inside and self._pending is not None:
                self._send()
            self._note(_decode_status(status))
            if inside:
                self._add_status(time_ms)
        if inside:
            for trade in batch.trades:
                self.trades += 1
                self._lines.append(event_line(time_ms, "trade", self._trade(trade)))
        if batch.book is not None:
            self._pending = time_ms, batch
            if inside and time_ms - self._sent_ms >= self._request.every_ms:
                self._send()

    def take(self) -> list[bytes]:
        """Return the lines since the last call."""
        lines, self._lines = self._lines, []
        return lines

    def finish(self) -> None:
        """Send a book that waits."""
        if not self.began:
            self._begin()
        if self._pending is not None:
            self._send()

    def _begin(self) -> None:
        """The state and the book at the begin of the span."""
        self.began = True
        self._add_status(self._request.from_ms)
        if self._pending is not None:
            self._pending = self._request.from_ms, self._pending[1]
            self._send()

    def _note(self, status: Status) -> None:
        synced = status.state == "synced"
        self._trust = {"trusted": synced, "state": status.state, "reason": status.reason, "since": status.event_time}

    def _add_status(self, time_ms: int) -> None:
        head = {"venue": self._request.venue, "symbol": self._request.symbol, "event_time": time_ms}
        self._lines.append(line(time_ms, "status", head | self._trust))

    def _send(self) -> None:
        assert self._pending is not None
        time_ms, batch = self._pending
        assert batch.book is not None
        levels = _decode_levels(batch.book)
        head = msgspec.json.encode(self._trust)[:-1]
        record = b'%b,%b,"bids":%b,"asks":%b}' % (
            head,
            batch.processed[-1][1:-1],
            bytes(levels.bids),
            bytes(levels.asks),
        )
        self._lines.append(event_line(time_ms, "book_record", record))
        self.books += 1
        self._pending, self._sent_ms = None, time_ms

    def _trade(self, trade: bytes) -> bytes:
        return b'{"venue":"%b",%b' % (self._request.venue.encode(), trade_message(trade)[1:])


def rebuilt_events(
    values: Iterable[bytes], request: ReplayRequest, config: BookConfig, source: str, progress: Callable[[int], bytes]
) -> Iterator[bytes]:
    """Lines of a span: `header`, events in the order of time, `end`; before them `progress`.

    `values`: raw records of the book from `request.start_ms` on. Raises ReplayUnavailable before the header when the
    book is never in sync.
    """
    span = _Span(request)
    times = _apply_each(values, request, config, span)
    early = yield from _until_the_first_book(times, span, progress)
    yield line(request.from_ms, "header", header(request, source, depth=True))
    yield from early
    sent, reason = 0, None
    for lines in chain([span.take()], (span.take() for _ in times)):
        yield from lines
        sent += sum(map(len, lines))
        if sent > MAX_BYTES:
            reason = f"the span has more than {MAX_BYTES // 1024**2} MB of events: choose a shorter one"
            break
    else:
        span.finish()
        yield from span.take()
    yield line(
        request.to_ms, "end", {"complete": reason is None, "reason": reason, "books": span.books, "trades": span.trades}
    )


def _apply_each(values: Iterable[bytes], request: ReplayRequest, config: BookConfig, span: _Span) -> Iterator[int]:
    """Apply the values up to the end of the span, and yield the time of each, epoch ms."""
    builder = open_builder(request.key, config)
    for value in values:
        try:
            time_ms = decode_envelope(value).recv_us // 1000
        except DECODE_ERRORS:
            time_ms = request.start_ms
        if time_ms > request.to_ms:
            return
        span.add(time_ms, builder.apply_all([value]))
        yield time_ms


def _until_the_first_book(
    times: Iterator[int], span: _Span, progress: Callable[[int], bytes]
) -> Generator[bytes, None, list[bytes]]:
    """Apply values until the span has a book; yields progress, returns the last lines before the book."""
    early: deque[bytes] = deque(maxlen=MAX_EARLY_LINES)
    for count, time_ms in enumerate(times, 1):
        if span.books:
            return list(early)
        early += span.take()
        if count % PROGRESS_RECORDS == 0:
            yield progress(time_ms)
        if count >= MAX_RECORDS:
            raise ReplayUnavailable(f"the book's newest snapshot is more than {MAX_RECORDS:,} frames before the span")
    span.finish()
    if not span.books:
        raise ReplayUnavailable("no snapshot of the book lies before the end of the span")
    return list(early)


def header(request: ReplayRequest, source: str, depth: bool, reason: str | None = None) -> dict[str, object]:
    """Payload of the first event. `depth`: books have levels; `reason`: why another source was not used."""
    return {
        "venue": request.venue,
        "symbol": request.symbol,
        "from": request.from_ms,
        "to": request.to_ms,
        "every_ms": request.every_ms,
        "source": source,
        "depth": depth,
        "reason": reason,
    }

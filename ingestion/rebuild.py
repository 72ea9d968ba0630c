"""Rebuilds books from recordings without Flink: one builder per key, one frame at a time, in recorded order."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from msgspec import UNSET

from core.envelope import InvalidRecord
from core.records import Envelope
from core.topics import RAW_OPTIONS
from ingestion.option_rows import option_events, option_feed
from ingestion.recordings.import_report import ReadAccount
from market.orderbook.book_batch import Batch, Counts
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from market.orderbook.quiet_clock import QuietClocks
from market.reject_all import RejectAll
from venues.registry import open_builder
from venues.routing import route

MAX_REASONS = 20
MAX_KEY = 100  # characters of a key in a reason
MICROS = 1_000_000
BACK_US = MICROS  # times of one book go back by less


class _EventTime(msgspec.Struct, gc=False):
    event_time: int


_decode_event_time = msgspec.json.Decoder(_EventTime).decode


@dataclass
class RebuiltBook:
    """Builder and counters of one key (`venue:symbol`).

    `state` is the book's after its last frame: events that end a connection do not change it, since a recording that
    ends with its connection is complete. `last_us` and `applied_us` are the receive times of the newest frame and of
    the newest one that was applied. `waiting`: updates held for a snapshot since then. `book_us` and `event_us` are the
    newest times of its book frames and of its records; `back_us`: how far applied frames have gone back behind them.
    """

    builder: BookBuilder | RejectAll[Batch]
    counts: Counts = field(default_factory=Counts)
    state: str = "out of sync"
    last_us: int = 0
    applied_us: int = 0
    waiting: int = 0
    book_us: int = 0
    event_us: int = 0
    back_us: int = 0

    @property
    def has_book(self) -> bool:
        """True when the key had book frames, not only trades."""
        counts = self.counts
        return bool(counts.snapshots + counts.applied + counts.skipped + counts.held + counts.gaps)

    @property
    def out_of_sync(self) -> bool:
        """True when the key had book frames and its book is out of sync, stale or untrusted after the last one."""
        return self.has_book and self.state != "in sync"

    def apply(self, value: bytes, envelope: Envelope) -> Batch:
        """Apply one encoded envelope."""
        batch = self.builder.apply_all([value])
        self.counts += batch.counts
        self.last_us = max(self.last_us, envelope.recv_us)
        if batch.counts.applied:
            self.applied_us, self.waiting = self.last_us, 0
        else:
            self.waiting += batch.counts.held
        self._check_order(batch, envelope.recv_us)
        if envelope.event is UNSET or envelope.event == "dropped":
            self.state = self.builder.state
        return batch

    def _check_order(self, batch: Batch, recv_us: int) -> None:
        counts = batch.counts
        if counts.applied:
            self.back_us = max(self.back_us, self.book_us - recv_us)
        if counts.applied or counts.skipped or counts.held:
            self.book_us = max(self.book_us, recv_us)
        if batch.processed:
            event_us = _decode_event_time(batch.processed[-1]).event_time * 1000
            self.back_us = max(self.back_us, self.event_us - event_us)
            self.event_us = max(self.event_us, event_us)

    def problem(self, stale_after_s: float) -> str:
        """Reason for which the end of the book cannot be trusted; "" if it can."""
        if not self.has_book:
            return ""
        if self.state != "in sync":
            return f"the book is {self.state} after its last frame"
        if self.back_us > BACK_US:
            back = timedelta(seconds=round(self.back_us / MICROS))
            return f"its updates go back in time by {back}: are the files in chronological order, and each given once?"
        quiet_s = (self.last_us - self.applied_us) / MICROS
        if not self.counts.applied:
            return "no update was applied"
        if self.builder.ids_in_doubt:
            return "its last updates have old ids and later times: the ids may have begun anew"
        return f"no update was applied in the last {quiet_s:,.0f} s of its frames" if quiet_s > stale_after_s else ""


class Rebuild:
    """Books by key (`venue:symbol`), opened when their key first appears; memory grows with the number of keys.

        rebuild = Rebuild(BookConfig(depth=10, levels=20))
        for record in rebuild.records(read_recordings(path)):      # lazy: iterate to the end
            ...
        rebuild.out_of_sync                                        # keys whose book ended out of sync

    `books`: RebuiltBook by key. `other_channels`: number of frames without a book (options, instruments), by channel;
    their rows are counted in `option_rows` or refused. `reject_reasons`: reasons of the first MAX_REASONS refused
    frames and rows; `refused` counts all of them. A book without an applied update for `config.stale_after_s` before
    its last frame is a problem.
    `take_ticks` receives ticks (`orderbook.ticks`) as JSON lines; after the last frame, those that were open.
    """

    def __init__(self, config: BookConfig, take_ticks: Callable[[Iterable[bytes]], object] | None = None) -> None:
        self.books: dict[str, RebuiltBook] = {}
        self.other_channels: Counter[str] = Counter()
        self.option_rows = 0
        self.refused = 0
        self.reject_reasons: list[str] = []
        self._config = config
        self._take_ticks = take_ticks or (lambda ticks: None)
        self._encode = msgspec.json.Encoder().encode

    def records(self, envelopes: Iterable[Envelope], place: Callable[[], str] | None = None) -> Iterator[bytes]:
        """Yield processed records (`core.records.Processed`) as JSON without line ends, in the order of the frames.

        `place` returns where the newest envelope was read, for the reasons; without it they name connection and `seq`.
        """
        for envelope in envelopes:
            topic, key = route(envelope.venue, envelope.channel, envelope.symbol)
            if topic == RAW_OPTIONS.name:
                self._read_options(envelope, place)
                continue
            batch = self._book(key).apply(self._encode(envelope), envelope)
            for reject in batch.rejects:
                self._refuse(reject.reason, key, envelope, place)
            self._take_ticks(batch.ticks + batch.trade_ticks)
            yield from batch.processed
        for book in self.books.values():
            self._take_ticks(open_ticks(book.builder))

    @property
    def out_of_sync(self) -> list[str]:
        """Keys whose book is out of sync after the last frame."""
        return [key for key, book in self.books.items() if book.out_of_sync]

    def add_to(self, account: ReadAccount) -> None:
        """Add what was used, skipped and refused, and the books that cannot be trusted."""
        for key, book in self.books.items():
            counts = book.counts
            idle = counts.skipped + counts.ignored + counts.events + book.waiting
            account.used += max(counts.frames - idle - counts.rejected, 0)
            account.skipped += Counter(
                {
                    "already known, or without a book": counts.skipped,
                    "held for a snapshot": book.waiting,
                    "without book or trade": counts.ignored,
                }
            )
            problem = book.problem(self._config.stale_after_s)
            if problem:
                account.problems.append(f"{key}: {problem}")
        account.used += self.option_rows
        account.refused += self.refused
        account.reasons += self.reject_reasons

    def _read_options(self, envelope: Envelope, place: Callable[[], str] | None) -> None:
        self.other_channels[envelope.channel] += 1
        feed = option_feed(envelope)
        for event in option_events(envelope, feed) if feed is not None else ():
            if isinstance(event, InvalidRecord):
                self._refuse(str(event), f"{envelope.venue}:{envelope.symbol}", envelope, place)
            else:
                self.option_rows += 1

    def _refuse(self, reason: str, key: str, envelope: Envelope, place: Callable[[], str] | None) -> None:
        self.refused += 1
        if len(self.reject_reasons) < MAX_REASONS:
            key = key[:MAX_KEY]
            where = f"{key} conn {envelope.conn} seq {envelope.seq}" if place is None else f"{place()}: {key}"
            self.reject_reasons.append(f"{where}: {reason}")

    def _book(self, key: str) -> RebuiltBook:
        if key not in self.books:
            self.books[key] = RebuiltBook(open_builder(key, self._config))
        return self.books[key]


def open_ticks(builder: BookBuilder | RejectAll[Batch]) -> Iterator[bytes]:
    """The ticks that a builder would publish after a second without frames."""
    if isinstance(builder, BookBuilder):
        clocks = QuietClocks()
        for batch in (builder.poll(0, clocks), builder.poll(1000, clocks)):
            yield from batch.ticks
            yield from batch.trade_ticks

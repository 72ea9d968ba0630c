"""One symbol of a simulated exchange, two forwarders' connections to it, and a builder whose requests are answered.

Every fault that a test names happens between the encoder and the builder; the market model is the truth.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from core.records import ConnectionEvent, Envelope
from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from simulator.generator.market import Market, MarketShape
from simulator.registry import SIMULATORS, instrument
from simulator.venues.binance.encoder import SEND_DELAY_MS
from tests.market.orderbook.builders import SYMBOLS
from venues.registry import open_builder
from venues.stamping import Stamper

START_US = 1_767_225_600_000_000
SECOND = 1_000_000
STALE_AFTER_S = 30
_encode = msgspec.json.Encoder().encode


@dataclass
class Delivery:
    """Fate of one frame on one connection: `copies` at once, and one more after `later` further frames, if above 0."""

    copies: int = 1
    later: int = 0


class VenueModel:
    """`wrong_since_us`: time since which the book in sync has shown another best bid or ask than the exchange's.

    A record that equals the exchange's book at its own event time is right, though a connection may deliver it late.
    `longest_wrong_us` is exact: time passes from event to event, and the timer of the job fires when it is due.
    """

    def __init__(self, venue: str, first_id: int) -> None:
        self.venue, self.symbol = venue, SYMBOLS[venue]
        self.now_us = START_US
        self.epochs = 0
        self.first_id = first_id
        self.truth: dict[int, set[tuple[float, ...]]] = {}  # by epoch ms, in which a market may move and another begin
        self.begin_epoch(first_id)
        builder = open_builder(f"{venue}:{self.symbol}", BookConfig(stale_after_s=STALE_AFTER_S))
        assert isinstance(builder, BookBuilder)
        self.builder = builder
        self.state, self.shown = "", None
        self.wrong_since_us: int | None = None
        self.longest_wrong_us = 0
        self.applied_us = START_US  # on the clock of the model
        self.due: list[tuple[int, Callable[[], None]]] = []
        self.stampers: list[Stamper] = []
        self.waiting: list[list[tuple[int, Envelope]]] = [[], []]  # with the number of frames to wait for
        for place in range(2):
            self.stampers.append(Stamper(venue, ""))
            self.connect(place)

    def begin_epoch(self, first_id: int) -> None:
        """Another market and other ids, on the same connections."""
        self.epochs += 1
        shape = MarketShape(levels=20, touched=4)
        self.market = Market(instrument(self.venue, self.symbol), shape, self.epochs)
        self.encoder = SIMULATORS[self.venue].encoder(self.market, first_id)
        self.first_id = first_id
        self.note_move()

    @property
    def newest_id(self) -> int:
        """Newest id of the book; the first one of the epoch where books have none."""
        return getattr(self.encoder, "update_id", self.first_id)

    def connect(self, place: int) -> None:
        """A new connection; where the venue sends its snapshot in the stream, that follows."""
        self.stampers[place] = Stamper(self.venue, f"c{place}-{self.now_us}-{self.epochs}")
        self.waiting[place] = []
        self.event(place, "connected")
        if self.encoder.in_band:
            self.snapshot(place)

    def event(self, place: int, name: ConnectionEvent) -> None:
        self.receive(self.stampers[place].event(name, self.symbol, self.now_us))

    def snapshot(self, place: int) -> None:
        """A snapshot of the book as it is now."""
        if self.encoder.in_band:
            self.stampers[place].resubscribed(self.encoder.book_channel, self.symbol)
        self.note_truth()
        self.receive(self.stamped(place, self.encoder.snapshot_channel, self.encoder.snapshot(self.now_us)))

    def note_move(self) -> None:
        """The exchange's best prices and sizes, until the market moves again."""
        self.best = tuple(value for side in self.market.reference_book(1) for value in side[0])

    def note_truth(self) -> tuple[float, ...]:
        """The exchange's best prices and sizes now."""
        self.truth.setdefault(self.now_us // 1000, set()).add(self.best)
        return self.best

    def stamped(self, place: int, channel: str, frame: bytes) -> Envelope:
        return self.stampers[place].stamp(channel, self.symbol, self.now_us, frame)

    def step(self, seconds: float, deliveries: tuple[Delivery, Delivery]) -> None:
        """Time passes, the market moves, and both connections deliver, repeat, delay or lose the frame."""
        self.pass_time(seconds)
        moved = self.market.step()
        self.note_move()
        self.note_truth()
        for trade in self.encoder.trades(moved, self.now_us):
            self.receive(self.stamped(0, self.encoder.trade_channel, trade))
        frame = self.encoder.delta(moved, self.now_us)
        for place, delivery in enumerate(deliveries):
            self.deliver(place, delivery, frame)
        self.compare()

    def deliver(self, place: int, delivery: Delivery, frame: bytes | None) -> None:
        """Deliver a frame on one connection, then those that waited for it."""
        if frame:
            stamped = self.stamped(place, self.encoder.book_channel, frame)
            for _ in range(delivery.copies):
                self.receive(stamped)
            if delivery.later:
                self.waiting[place].append((delivery.later + 1, stamped))
        waiting = [(frames - 1, envelope) for frames, envelope in self.waiting[place]]
        self.waiting[place] = [each for each in waiting if each[0]]
        for frames, envelope in waiting:
            if not frames:
                self.receive(envelope)

    def pass_time(self, seconds: float) -> None:
        """Answers to requests arrive in between, and the job's timer fires after silence."""
        until = self.now_us + int(seconds * SECOND)
        while True:
            timeout_us = self.applied_us + STALE_AFTER_S * SECOND if self.state == "synced" else until + 1
            answer_us = self.due[0][0] if self.due else until + 1
            if min(timeout_us, answer_us) > until:
                break
            self.advance(min(timeout_us, answer_us))
            if timeout_us < answer_us:
                assert self.builder.mark_stale(self.now_us // 1000)
                self.state = "stale"
            else:
                self.due.pop(0)[1]()
            self.compare()
        self.advance(until)

    def advance(self, now_us: int) -> None:
        """Move the clock."""
        self.now_us = max(self.now_us, now_us)
        if self.wrong_since_us is not None:
            self.longest_wrong_us = max(self.longest_wrong_us, self.now_us - self.wrong_since_us)

    def receive(self, envelope: Envelope) -> None:
        """Apply one record, follow the state, answer requests."""
        applied_us = self.builder.applied_us
        batch: Batch = self.builder.apply_all([_encode(envelope)])
        assert not batch.rejects
        if self.builder.applied_us != applied_us:
            self.applied_us = self.now_us
        for status in map(json.loads, batch.statuses):
            self.state = status["state"]
        for row in map(json.loads, batch.processed):
            self.shown = row["best_bid"], row["best_bid_size"], row["best_ask"], row["best_ask_size"]
            at = row["event_time"]
            if self.shown in self.truth.get(at, set()) | self.truth.get(at - SEND_DELAY_MS, set()):
                self.wrong_since_us = None
        for request in map(json.loads, batch.resyncs):
            places = [place for place in range(2) if self.stampers[place].conn == request["conn"]] or [0, 1]
            self.due.append((self.now_us + SECOND // 5, lambda places=places: self.deliver_snapshots(places)))
        self.compare()

    def deliver_snapshots(self, places: list[int]) -> None:
        for place in places if self.encoder.in_band else places[:1]:
            self.snapshot(place)

    def compare(self) -> None:
        """Follow for how long the book in sync has been wrong."""
        truth = self.note_truth()
        if self.state != "synced" or self.shown in (truth, None):
            self.wrong_since_us = None
        elif self.wrong_since_us is None:
            self.wrong_since_us = self.now_us

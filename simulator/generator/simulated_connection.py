"""One symbol as a forwarder receives it: the encoder's frames, stamped, with losses in transit and their recovery."""

from collections.abc import Iterator
from random import Random

from core.records import Envelope
from simulator.generator.encoder import Encoder
from simulator.generator.market import Market
from venues.stamping import Stamper

RESYNC_STEPS = 3  # frames between a loss (or the start, on Binance) and the snapshot that repairs it
REST_STEPS = 1  # frames that arrive while a REST response is in transit; the response is older
LATENCY_US = 5_000
JITTER_BITS = 14  # up to 16 ms in addition


class SimulatedConnection:
    """One symbol of one connection. `lost` counts the book frames that never arrived.

    When `advance` is exhausted, the market is in the state of its last book frame.
    """

    def __init__(self, market: Market, encoder: Encoder, stamper: Stamper, loss: float, seed: int) -> None:
        self.market = market
        self.lost = 0
        self._encoder = encoder
        self._stamper = stamper
        self._loss = loss
        self._random = Random(f"{seed}/{market.instrument.symbol}/wire")
        self._snapshot_in: int | None = None
        self._body = b""
        self._recv_us = 0

    def connect(self, time_us: int) -> Iterator[Envelope]:
        """The connection event, and an in-band snapshot; a REST snapshot (Binance) follows some events later."""
        yield self._stamper.event("connected", self.market.instrument.symbol, self._received(time_us))
        self._snapshot_in = 0 if self._encoder.in_band else RESYNC_STEPS
        yield from self._snapshot(time_us)

    def advance(self, time_us: int) -> Iterator[Envelope]:
        """One step of the market: trades, then the book frame unless it is lost, then a snapshot if one is due."""
        step = self.market.step()
        encoder = self._encoder
        for trade in encoder.trades(step, time_us):
            yield self._stamp(encoder.trade_channel, time_us, trade)
        frame = encoder.delta(step, time_us)
        if frame is not None and not self._is_lost():
            yield self._stamp(encoder.book_channel, time_us, frame)
        yield from self._snapshot(time_us)

    def _is_lost(self) -> bool:
        if self._snapshot_in is not None or self._random.random() >= self._loss:
            return False
        self._snapshot_in = RESYNC_STEPS
        self.lost += 1
        return True

    def _snapshot(self, time_us: int) -> Iterator[Envelope]:
        if self._snapshot_in is None:
            return
        encoder, due = self._encoder, self._snapshot_in
        if due == (0 if encoder.in_band else REST_STEPS):
            self._body = encoder.snapshot(time_us)
        self._snapshot_in = due - 1 if due else None
        if not due:
            if encoder.in_band:
                self._stamper.resubscribed(encoder.book_channel, self.market.instrument.symbol)
            yield self._stamp(encoder.snapshot_channel, time_us, self._body)

    def _stamp(self, channel: str, time_us: int, frame: bytes) -> Envelope:
        return self._stamper.stamp(channel, self.market.instrument.symbol, self._received(time_us), frame)

    def _received(self, time_us: int) -> int:
        # A connection is a queue: no frame overtakes an earlier one.
        self._recv_us = max(self._recv_us, time_us + LATENCY_US + self._random.getrandbits(JITTER_BITS))
        return self._recv_us

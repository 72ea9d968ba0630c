"""Simulated Example: book and trades, one acknowledgement per request, heartbeats."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from simulator.exchange import Exchange
from simulator.generator.instruments import Grid
from simulator.generator.market import Market, MarketStep
from simulator.limits import Limits
from simulator.publication import HasSubscribers, Publication, ReferenceBook
from simulator.session import Outgoing, ServerSession, SnapshotOf, parse_names
from simulator.venue import Frontend, InstrumentGrid, MarketSpec, NoRest, SimulatedVenue
from tests.venues.example.constants import MESSAGES_PER_S, STREAMS_PER_CONNECTION, WS_PATH


class ExampleEncoder:
    """Frames of one symbol."""

    book_channel = snapshot_channel = "book"
    trade_channel = "trades"
    in_band = True

    def __init__(self, market: Market, first_id: int) -> None:
        self._market = market
        self.reset_ids(first_id)

    def reset_ids(self, first_id: int) -> None:
        """Continue with ids from `first_id` on: the fault `id_reset`."""
        self.seq = self._trade_id = first_id

    def snapshot(self, time_us: int) -> bytes:
        return self._book("snapshot", *self._market.reference_book(), time_us)

    def delta(self, step: MarketStep, time_us: int) -> bytes | None:
        self.seq += 1
        return self._book("update", self._levels(step.bids), self._levels(step.asks), time_us)

    def trades(self, step: MarketStep, time_us: int) -> Iterator[bytes]:
        instrument = self._market.instrument
        for fill in step.fills:
            self._trade_id += 1
            price, size = float(instrument.price.fixed(fill.tick)), float(instrument.size.fixed(fill.lots))
            side = "buy" if fill.buyer else "sell"
            yield self._frame("trades", time_us, id=self._trade_id, price=price, size=size, side=side)

    def _levels(self, changes: Iterable[tuple[int, int, int]]) -> list[tuple[float, float]]:
        price, size = self._market.instrument.price.fixed, self._market.instrument.size.fixed
        return [(float(price(tick)), float(size(after))) for tick, _, after in changes]

    def _book(self, kind: str, bids: list[Any], asks: list[Any], time_us: int) -> bytes:
        return self._frame("book", time_us, type=kind, seq=self.seq, bids=bids, asks=asks)

    def _frame(self, stream: str, time_us: int, **fields: Any) -> bytes:
        head = {"stream": stream, "symbol": self._market.instrument.symbol, "ts": time_us // 1000}
        return msgspec.json.encode(head | fields)


class ExampleSymbol:
    """One listed symbol with its two streams."""

    def __init__(self, market: Market, first_id: int) -> None:
        self.symbol = market.instrument.symbol
        self.market = market
        self._encoder = ExampleEncoder(market, first_id)
        self._time_us = 0

    def offers(self, stream: str) -> bool:
        return stream in (f"book:{self.symbol}", f"trades:{self.symbol}")

    def reset_ids(self, first_id: int) -> None:
        """Continue with ids from `first_id` on."""
        self._encoder.reset_ids(first_id)

    def advance(self, time_us: int, has_subscribers: HasSubscribers) -> Iterator[Publication]:
        step = self.market.step()
        self._time_us = time_us
        for trade in self._encoder.trades(step, time_us):
            yield Publication(f"trades:{self.symbol}", self.symbol, "trade", trade)
        frame = self._encoder.delta(step, time_us)
        if frame is not None:
            yield Publication(f"book:{self.symbol}", self.symbol, "book", frame)

    def snapshot(self, stream: str, time_us: int) -> Publication | None:
        if not stream.startswith("book:"):
            return None
        return Publication(stream, self.symbol, "book", self._encoder.snapshot(time_us))

    def reference_book(self, depth: int | None) -> ReferenceBook:
        return ReferenceBook(self.symbol, self._time_us, self._encoder.seq, *self.market.reference_book(depth))


class ExampleSession(ServerSession):
    """One connection: a heartbeat every second, one reply per request, then the snapshots."""

    def __init__(self, exchange: Exchange, limits: Limits, now: float) -> None:
        super().__init__(limits, now)
        self._exchange = exchange
        self._after(limits.heartbeat_s, self._heartbeat, now)

    def _handle(self, message: dict[str, Any], now: float) -> Iterable[Outgoing]:
        op, streams = message.get("op"), parse_names(message.get("streams")) or ()
        if op not in ("subscribe", "unsubscribe") or self.refusing:
            return [self._reply(message, "error", error="busy")]
        unknown = [stream for stream in streams if self._exchange.find_stream(stream) is None]
        if unknown:
            return [self._reply(message, "error", error=f"unknown stream {unknown[0]}")]
        if op == "unsubscribe":
            for stream in streams:
                self.streams.pop(stream, None)
            return [self._reply(message, "unsubscribed")]
        self.streams.update(dict.fromkeys(streams))
        snapshots = [SnapshotOf(stream) for stream in streams if stream.startswith("book:")]
        return [self._reply(message, "subscribed"), *snapshots]

    def _heartbeat(self, now: float) -> Iterable[Outgoing]:
        self._after(self._limits.heartbeat_s, self._heartbeat, now)
        return [b'{"op":"heartbeat"}']

    def _reply(self, message: dict[str, Any], op: str, **fields: str) -> bytes:
        return msgspec.json.encode({"op": op, "id": message.get("id")} | fields)

    def _not_json(self, reason: str) -> bytes:
        return msgspec.json.encode({"op": "error", "error": f"not JSON: {reason}"})


def open_frontend(spec: MarketSpec, limits: Limits) -> Frontend:
    """A fresh exchange."""
    exchange = Exchange(ExampleSymbol(market, spec.start_us) for market in spec.open_markets())
    return Frontend(
        exchange,
        NoRest(),
        lambda path, query, now: ExampleSession(exchange, limits, now) if path == WS_PATH else None,
    )


VENUES = (
    SimulatedVenue(
        id="example",
        encoder=ExampleEncoder,
        listed={
            "BTC-USD": InstrumentGrid(Grid(1, 1), Grid(1, 4), 60_000.0, 0.1),
            "ETH-USD": InstrumentGrid(Grid(1, 2), Grid(1, 3), 2_000.0, 1.0),
        },
        default_grid=InstrumentGrid(Grid(1, 3), Grid(1, 2), 25.0, 40.0),
        limits=Limits(heartbeat_s=1, incoming_per_s=MESSAGES_PER_S, streams=STREAMS_PER_CONNECTION),
        open_frontend=open_frontend,
        has_rest=False,
    ),
)

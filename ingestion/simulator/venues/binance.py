"""Binance's streams, spot and USD-M: raw and combined, subscribed by address or by message (`venues.md` §2 and §3).

`depth@100ms` speaks at each step of the market. A stream that does not exist is acknowledged and stays silent, as it
does at Binance.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ingestion.generator.binance import BinanceEncoder
from ingestion.generator.market import Market
from ingestion.simulator.exchange import Exchange
from ingestion.simulator.limits import Limits
from ingestion.simulator.listing import Publication, Truth, Wanted
from ingestion.simulator.session import Out, Session, names
from ingestion.simulator.venues.binance_streams import SlowerDiff, StreamFacts, combined, event_of, raw_trades

PUBLIC = frozenset({"depth", "bookTicker", "rpiDepth"})  # USD-M's channels on /public; the others are on /market
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
INVALID_REQUEST, INVALID_JSON = 2, 3


class BinanceListing:
    """One symbol; frames are as the combined address gives them."""

    def __init__(self, market: Market, encoder: BinanceEncoder, facts: StreamFacts) -> None:
        self.symbol = market.instrument.symbol
        self.encoder = encoder
        self._market = market
        self._book, self._tape, self._ticker, self._trade = (
            self._stream(channel) for channel in (encoder.book_channel, encoder.trade_channel, "bookTicker", "trade")
        )
        self._diffs = {self._stream(channel): SlowerDiff(interval) for channel, interval in facts.diffs.items()}
        self._partial = {self._stream(channel): size for channel, size in facts.partial.items()}
        self._partial_due = dict.fromkeys(self._partial, 0)
        self._offered = {self._book, self._tape, self._ticker, *self._diffs, *self._partial}
        if facts.raw_trades:
            self._offered.add(self._trade)
        self._touch: object = None
        self._time_us = 0

    def offers(self, stream: str) -> bool:
        return stream in self._offered

    def advance(self, time_us: int, wanted: Wanted) -> Iterator[Publication]:
        step = self._market.step()
        self._time_us = time_us
        for trade in self.encoder.trades(step, time_us):
            yield Publication(self._tape, self.symbol, "trade", trade)
            if wanted(self._trade):
                for each in raw_trades(event_of(trade)):
                    yield Publication(self._trade, self.symbol, "trade", combined(self._trade, each))
        frame = self.encoder.delta(step, time_us)
        if frame is not None:
            yield Publication(self._book, self.symbol, "book", frame)
            yield from self._slower(frame, time_us, wanted)
        yield from self._small(time_us, wanted)

    def snapshot(self, stream: str, time_us: int) -> None:
        """Snapshots are had by REST."""

    def truth(self, depth: int | None) -> Truth:
        return Truth(self.symbol, self._time_us, self.encoder.update_id, *self._market.truth(depth))

    def _slower(self, frame: bytes, time_us: int, wanted: Wanted) -> Iterator[Publication]:
        for stream, slower in self._diffs.items():
            if not wanted(stream):
                slower.forget()
            elif event := slower.add(event_of(frame), time_us):
                yield Publication(stream, self.symbol, "book", combined(stream, event))

    def _small(self, time_us: int, wanted: Wanted) -> Iterator[Publication]:
        """The touch when it moved, and complete small books."""
        touch = (self._market.bids.top(1), self._market.asks.top(1))
        if touch != self._touch:
            self._touch = touch
            yield Publication(self._ticker, self.symbol, "ticker", self.encoder.ticker(time_us))
        for stream, (levels, interval_us) in self._partial.items():
            if wanted(stream) and time_us >= self._partial_due[stream]:
                self._partial_due[stream] = time_us + interval_us
                body = msgspec.Raw(self.encoder.snapshot(time_us, levels))
                yield Publication(stream, self.symbol, "ticker", combined(stream, body))

    def _stream(self, channel: str) -> str:
        return f"{self.symbol.lower()}@{channel}"


class BinanceSession(Session):
    """`subscribed` is what the client asked for, `streams` what of it this address serves."""

    def __init__(
        self, exchange: Exchange, limits: Limits, now: float, combined: bool, asked: Iterable[str], base: str
    ) -> None:
        super().__init__(limits, now)
        self._exchange = exchange
        self._combined = combined
        self._base = base
        self._subscribed: dict[str, None] = {}
        self._subscribe(asked)

    def dress(self, publication: Publication) -> bytes:
        if self._combined:
            return publication.frame
        return publication.frame[len(publication.stream) + len('{"stream":"","data":') : -1]

    def farewell(self, now: float) -> Iterable[Out]:
        event = {"e": "serverShutdown", "E": int(now * 1000)}
        return [msgspec.json.encode({"stream": "!serverShutdown", "data": event} if self._combined else event)]

    def _command(self, message: dict[str, Any], now: float) -> Iterable[Out]:
        method, params, request = message.get("method"), message.get("params", []), message.get("id")
        if method not in METHODS:
            return [_error(request, f"unknown variant `{method}`, expected one of {', '.join(METHODS)}")]
        if "id" in message and not isinstance(request, int):
            return [_error(None, "request ID must be an unsigned integer")]
        if method == "LIST_SUBSCRIPTIONS":
            return [_result(request, list(self._subscribed))]
        if method.endswith("_PROPERTY"):
            return [self._property(params, request)]
        asked = names(params)
        if not asked:
            return [_error(request, "params must be a list of stream names")]
        return [self._change(method, asked, request)]

    def _change(self, method: str, asked: Iterable[str], request: int | None) -> bytes:
        if method == "UNSUBSCRIBE":
            for name in asked:
                self._subscribed.pop(name, None)
                self.streams.pop(name, None)
            return _result(request, None)
        if self.refusing:
            return _error(request, "service unavailable")
        if len(self._subscribed.keys() | set(asked)) > self._limits.streams:
            return _error(request, "too many parameters")
        self._subscribe(asked)
        return _result(request, None)

    def _subscribe(self, asked: Iterable[str]) -> None:
        for name in asked:
            self._subscribed[name] = None
            channel = name.partition("@")[2].partition("@")[0]
            if self._base in ("", "public" if channel in PUBLIC else "market") and self._exchange.offering(name):
                self.streams[name] = None

    def _property(self, params: Any, request: int | None) -> bytes:
        match params:
            case ["combined"]:
                return _result(request, self._combined)
            case ["combined", bool() as combined]:
                self._combined = combined
                return _result(request, None)
        return _error(request, "expected the property combined, and a boolean to set it")

    def _not_json(self, reason: str) -> bytes:
        return msgspec.json.encode({"error": {"code": INVALID_JSON, "msg": f"Invalid JSON: {reason}"}})


def open_session(
    exchange: Exchange, limits: Limits, path: str, query: dict[str, str], now: float, routed: bool
) -> BinanceSession | None:
    """The session of an address: `/ws`, `/ws/<stream>`, `/stream?streams=a/b`; None: no such address.

    `routed` (USD-M): the addresses are under `/public` or `/market`; without either, market data never comes.
    """
    parts = path.strip("/").split("/")
    base = parts.pop(0) if routed and parts[0] in ("public", "market") else "public" if routed else ""
    match parts:
        case ["stream"]:
            combined, asked = True, [name for name in query.get("streams", "").split("/") if name]
        case ["ws", *asked]:
            combined = False
        case _:
            return None
    if len(asked) > limits.streams:
        return None
    return BinanceSession(exchange, limits, now, combined, asked, base)


def _result(request: int | None, result: Any) -> bytes:
    return msgspec.json.encode({"result": result, "id": request})


def _error(request: Any, reason: str) -> bytes:
    return msgspec.json.encode({"error": {"code": INVALID_REQUEST, "msg": f"Invalid request: {reason}"}, "id": request})

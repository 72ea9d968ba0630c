"""Binance's streams, spot and USD-M: raw and combined, subscribed by address or by message.

`depth@100ms` publishes at each step of the market. A subscription of an unknown stream is acknowledged and never
publishes, as at Binance (docs/venues/binance.md).
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from simulator.exchange import Exchange
from simulator.generator.market import Market
from simulator.limits import Limits
from simulator.publication import HasSubscribers, Publication, ReferenceBook
from simulator.session import Outgoing, ServerSession, parse_names
from simulator.venues.binance.encoder import BinanceEncoder, BinanceUsdmEncoder
from simulator.venues.binance.streams import SlowerDiff, StreamSet, encode_combined, event_of, raw_trades

PUBLIC = frozenset({"depth", "bookTicker", "rpiDepth"})  # USD-M's channels on /public; the others are on /market
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
INVALID_REQUEST, INVALID_JSON = 2, 3


class BinanceSymbol:
    """One listed symbol; frames have the form of the combined address."""

    def __init__(self, market: Market, encoder: BinanceEncoder, stream_set: StreamSet) -> None:
        self.symbol = market.instrument.symbol
        self.encoder = encoder
        self.market = market
        self._book, self._trades, self._ticker, self._raw_trades = (
            self._stream(channel) for channel in (encoder.book_channel, encoder.trade_channel, "bookTicker", "trade")
        )
        self._diffs = {self._stream(channel): SlowerDiff(interval) for channel, interval in stream_set.diffs.items()}
        self._partial = {self._stream(channel): size for channel, size in stream_set.partial.items()}
        self._partial_due = dict.fromkeys(self._partial, 0)
        self._trade_mark = stream_set.trade_mark
        self._offered = {self._book, self._trades, self._ticker, *self._diffs, *self._partial}
        if stream_set.raw_trades:
            self._offered.add(self._raw_trades)
        self._touch: object = None
        self._time_us = 0

    def offers(self, stream: str) -> bool:
        return stream in self._offered

    def advance(self, time_us: int, has_subscribers: HasSubscribers) -> Iterator[Publication]:
        step = self.market.step()
        self._time_us = time_us
        for trade in self.encoder.trades(step, time_us):
            yield Publication(self._trades, self.symbol, "trade", trade)
            if has_subscribers(self._raw_trades):
                for each in raw_trades(event_of(trade), self._trade_mark):
                    yield Publication(self._raw_trades, self.symbol, "trade", encode_combined(self._raw_trades, each))
        frame = self.encoder.delta(step, time_us)
        if frame is not None:
            yield Publication(self._book, self.symbol, "book", frame)
            yield from self._slower_diffs(frame, time_us, has_subscribers)
        yield from self._tickers(time_us, has_subscribers)

    def reset_ids(self, first_id: int) -> None:
        """Continue with ids from `first_id` on."""
        self.encoder.reset_ids(first_id)

    def snapshot(self, stream: str, time_us: int) -> None:
        """Snapshots are served by REST only."""

    def reference_book(self, depth: int | None) -> ReferenceBook:
        return ReferenceBook(self.symbol, self._time_us, self.encoder.update_id, *self.market.reference_book(depth))

    def _slower_diffs(self, frame: bytes, time_us: int, has_subscribers: HasSubscribers) -> Iterator[Publication]:
        for stream, slower in self._diffs.items():
            if not has_subscribers(stream):
                slower.reset()
            elif event := slower.add(event_of(frame), time_us):
                yield Publication(stream, self.symbol, "book", encode_combined(stream, event))

    def _tickers(self, time_us: int, has_subscribers: HasSubscribers) -> Iterator[Publication]:
        """The touch when it has moved, and complete small books."""
        touch = (self.market.bids.top(1), self.market.asks.top(1))
        if touch != self._touch:
            self._touch = touch
            yield Publication(self._ticker, self.symbol, "ticker", self.encoder.ticker(time_us))
        for stream, (levels, interval_us) in self._partial.items():
            if has_subscribers(stream) and time_us >= self._partial_due[stream]:
                self._partial_due[stream] = time_us + interval_us
                body = msgspec.Raw(self.encoder.snapshot(time_us, levels))
                yield Publication(stream, self.symbol, "ticker", encode_combined(stream, body))

    def _stream(self, channel: str) -> str:
        return f"{self.symbol.lower()}@{channel}"


class UsdmSymbol(BinanceSymbol):
    """A USD-M contract, whose `trade` stream has fillers as well: frames that are no trades."""

    encoder: BinanceUsdmEncoder
    _fillers = 0

    def queue_fillers(self, count: int) -> None:
        """Publish `count` fillers with the next step."""
        self._fillers += count

    def advance(self, time_us: int, has_subscribers: HasSubscribers) -> Iterator[Publication]:
        yield from super().advance(time_us, has_subscribers)
        count, self._fillers = self._fillers, 0
        for frame in self.encoder.fillers(count, time_us):
            yield Publication(self._raw_trades, self.symbol, "trade", frame)


class BinanceSession(ServerSession):
    """One connection. `_subscribed` are the requested streams; `streams` are those of them that this address serves."""

    def __init__(
        self, exchange: Exchange, limits: Limits, now: float, combined: bool, requested: Iterable[str], base: str
    ) -> None:
        super().__init__(limits, now)
        self._exchange = exchange
        self._combined = combined
        self._base = base
        self._subscribed: dict[str, None] = {}
        self._subscribe(requested)

    def encode(self, publication: Publication) -> bytes:
        if self._combined:
            return publication.frame
        return publication.frame[len(publication.stream) + len('{"stream":"","data":') : -1]

    def closing_frames(self, now: float) -> Iterable[Outgoing]:
        event = {"e": "serverShutdown", "E": int(now * 1000)}
        return [msgspec.json.encode({"stream": "!serverShutdown", "data": event} if self._combined else event)]

    def _handle(self, message: dict[str, Any], now: float) -> Iterable[Outgoing]:
        method, params, request = message.get("method"), message.get("params", []), message.get("id")
        if method not in METHODS:
            return [_error(request, f"unknown variant `{method}`, expected one of {', '.join(METHODS)}")]
        if "id" in message and not isinstance(request, int):
            return [_error(None, "request ID must be an unsigned integer")]
        if method == "LIST_SUBSCRIPTIONS":
            return [_result(request, list(self._subscribed))]
        if method.endswith("_PROPERTY"):
            return [self._property(params, request)]
        requested = parse_names(params)
        if not requested:
            return [_error(request, "params must be a list of stream names")]
        return [self._change(method, requested, request)]

    def _change(self, method: str, requested: Iterable[str], request: int | None) -> bytes:
        if method == "UNSUBSCRIBE":
            for name in requested:
                self._subscribed.pop(name, None)
                self.streams.pop(name, None)
            return _result(request, None)
        if self.refusing:
            return _error(request, "service unavailable")
        if len(self._subscribed.keys() | set(requested)) > self._limits.streams:
            return _error(request, "too many parameters")
        self._subscribe(requested)
        return _result(request, None)

    def _subscribe(self, requested: Iterable[str]) -> None:
        for name in requested:
            self._subscribed[name] = None
            channel = name.partition("@")[2].partition("@")[0]
            if self._base in ("", "public" if channel in PUBLIC else "market") and self._exchange.find_stream(name):
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
    """The session of an address: `/ws`, `/ws/<stream>`, `/stream?streams=a/b`; None for an unknown address.

    `routed` (USD-M): the addresses are below `/public` or `/market`; an address below neither serves `/public`.
    """
    parts = path.strip("/").split("/")
    base = parts.pop(0) if routed and parts[0] in ("public", "market") else "public" if routed else ""
    match parts:
        case ["stream"]:
            combined, requested = True, [name for name in query.get("streams", "").split("/") if name]
        case ["ws", *requested]:
            combined = False
        case _:
            return None
    if len(requested) > limits.streams:
        return None
    return BinanceSession(exchange, limits, now, combined, requested, base)


def _result(request: int | None, result: Any) -> bytes:
    return msgspec.json.encode({"result": result, "id": request})


def _error(request: Any, reason: str) -> bytes:
    return msgspec.json.encode({"error": {"code": INVALID_REQUEST, "msg": f"Invalid request: {reason}"}, "id": request})

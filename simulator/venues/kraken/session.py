"""Kraken's WebSocket v2: book at five depths, trades, instruments; one ack per symbol; heartbeats."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

import msgspec

from simulator.exchange import Exchange
from simulator.generator.market import Market
from simulator.limits import Limits
from simulator.publication import HasSubscribers, Publication, ReferenceBook
from simulator.session import POLICY_VIOLATION, Close, Outgoing, ServerSession, SnapshotOf, parse_names
from simulator.venues.kraken.encoder import KrakenEncoder
from venues.kraken.constants import BOOK_DEPTHS, DEFAULT_DEPTH

CONNECTION_ID = 11_278_572_044_473_960_836  # larger than a signed 64-bit integer, as Kraken's are
BOOKS = {f"book.{depth}": depth for depth in BOOK_DEPTHS}


class KrakenSymbol:
    """One pair. A depth is encoded from its first subscription on; all depths are cuts of the same book."""

    def __init__(self, market: Market, first_id: int) -> None:
        self.symbol = market.instrument.symbol
        self.instrument = market.instrument
        self.market = market
        self._first_id = first_id
        self._books: dict[str, KrakenEncoder] = {}
        self._trades = KrakenEncoder(market, first_id)
        self._time_us = 0

    def offers(self, stream: str) -> bool:
        channel, _, symbol = stream.partition(":")
        return symbol == self.symbol and (channel in BOOKS or channel == self._trades.trade_channel)

    def advance(self, time_us: int, has_subscribers: HasSubscribers) -> Iterator[Publication]:
        step = self.market.step()
        self._time_us = time_us
        for trade in self._trades.trades(step, time_us):
            yield Publication(f"trade:{self.symbol}", self.symbol, "trade", trade)
        for channel, encoder in self._books.items():
            frame = encoder.delta(step, time_us)
            if frame is not None:
                yield Publication(f"{channel}:{self.symbol}", self.symbol, "book", frame)

    def reset_ids(self, first_id: int) -> None:
        """Continue with trade ids from `first_id` on."""
        self._trades.reset_ids(first_id)

    def snapshot(self, stream: str, time_us: int) -> Publication | None:
        channel = stream.partition(":")[0]
        if channel not in BOOKS:
            return None
        if channel not in self._books:
            self._books[channel] = KrakenEncoder(self.market, self._first_id, BOOKS[channel])
        return Publication(stream, self.symbol, "book", self._books[channel].snapshot(time_us))

    def reference_book(self, depth: int | None) -> ReferenceBook:
        return ReferenceBook(self.symbol, self._time_us, self._time_us, *self.market.reference_book(depth))


class KrakenSession(ServerSession):
    """One connection: a status frame first, heartbeats once anything is subscribed."""

    def __init__(self, exchange: Exchange, limits: Limits, now: float) -> None:
        super().__init__(limits, now)
        self._exchange = exchange
        self._has_heartbeats = False
        self._after(limits.idle_s, self._idle, now)

    def opened(self, now: float) -> Iterable[Outgoing]:
        row = {"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": CONNECTION_ID}
        return [msgspec.json.encode({"channel": "status", "type": "update", "data": [row]})]

    def _handle(self, message: dict[str, Any], now: float) -> Iterable[Outgoing]:
        method, params = message.get("method"), message.get("params")
        head = {"req_id": message["req_id"]} if isinstance(message.get("req_id"), int) else {}
        if method == "ping":
            return [_reply({"method": "pong"} | head, now)]
        if method not in ("subscribe", "unsubscribe"):
            return [_refusal(f"Unsupported method {method!r}", {"method": method} | head, now)]
        head = {"method": method} | head
        requested = params if isinstance(params, dict) else {}
        if requested.get("channel") == "instrument" and method == "subscribe":
            return [_success({"channel": "instrument", "snapshot": True}, head, now), self._instruments()]
        symbols = parse_names(requested.get("symbol"))
        if requested.get("channel") not in ("book", "trade") or not symbols:
            return [_refusal("Malformed request: expected channel book or trade and symbols", head, now)]
        if requested["channel"] == "book" and requested.get("depth", DEFAULT_DEPTH) not in BOOK_DEPTHS:
            return [_refusal("Subscription depth not supported", head, now)]
        change = self._subscribe if method == "subscribe" else self._unsubscribe
        return [out for symbol in symbols for out in change(symbol, requested, head, now)]

    def _subscribe(
        self, symbol: str, requested: dict[str, Any], head: dict[str, Any], now: float
    ) -> Iterator[Outgoing]:
        stream, result = _stream(symbol, requested)
        if self.refusing:
            yield _refusal("Service unavailable", head | {"symbol": symbol}, now)
        elif self._exchange.find_stream(stream) is None:
            yield _refusal(f"Currency pair not supported {symbol}", head | {"symbol": symbol}, now)
        elif stream in self.streams:
            yield _refusal("Already subscribed", head | {"symbol": symbol}, now)
        else:
            self.streams[stream] = None
            with_snapshot = bool(requested.get("snapshot", requested["channel"] == "book"))
            yield _success(result | {"snapshot": with_snapshot}, head, now)
            if with_snapshot:
                yield SnapshotOf(stream)
            self._start_heartbeats(now)

    def _unsubscribe(
        self, symbol: str, requested: dict[str, Any], head: dict[str, Any], now: float
    ) -> Iterator[Outgoing]:
        stream, result = _stream(symbol, requested)
        if stream not in self.streams:
            yield _refusal("Subscription Not Found", head | {"symbol": symbol}, now)
            return
        del self.streams[stream]
        if not self.streams:
            self._after(self._limits.idle_s, self._idle, now)
        yield _success(result, head, now)

    def _start_heartbeats(self, now: float) -> None:
        self._timers.pop(self._idle, None)
        if not self._has_heartbeats:
            self._has_heartbeats = True
            self._after(self._limits.heartbeat_s, self._heartbeat, now)

    def _heartbeat(self, now: float) -> Iterable[Outgoing]:
        self._after(self._limits.heartbeat_s, self._heartbeat, now)
        return [b'{"channel":"heartbeat"}']

    def _idle(self, now: float) -> Iterable[Outgoing]:
        return [Close(POLICY_VIOLATION, "no subscription")]

    def _instruments(self) -> bytes:
        pairs = [
            {
                "symbol": listed.symbol,
                "status": "online",
                "price_precision": listed.instrument.price.decimals,
                "qty_precision": listed.instrument.size.decimals,
            }
            for listed in self._exchange.listed.values()
            if isinstance(listed, KrakenSymbol)
        ]
        return msgspec.json.encode(
            {"channel": "instrument", "type": "snapshot", "data": {"assets": [], "pairs": pairs}}
        )

    def _not_json(self, reason: str) -> bytes:
        return msgspec.json.encode({"error": f"Malformed request: {reason}", "success": False})


def _stream(symbol: str, requested: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name of the stream and the result that acknowledges it. The name of a book includes its depth."""
    if requested["channel"] == "trade":
        return f"trade:{symbol}", {"channel": "trade", "symbol": symbol}
    depth = requested.get("depth", DEFAULT_DEPTH)
    return f"book.{depth}:{symbol}", {"channel": "book", "depth": depth, "symbol": symbol}


def _success(result: dict[str, Any], head: dict[str, Any], now: float) -> bytes:
    return _reply({"method": head["method"], "result": result, "success": True} | head, now)


def _refusal(reason: str, head: dict[str, Any], now: float) -> bytes:
    return _reply({"error": reason, "success": False} | head, now)


def _reply(fields: dict[str, Any], now: float) -> bytes:
    at = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return msgspec.json.encode(fields | {"time_in": at, "time_out": at})

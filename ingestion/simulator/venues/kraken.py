"""Kraken's WebSocket v2: book at five depths, trades, instruments; acks one a symbol; heartbeats (`venues.md` §4)."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

import msgspec

from ingestion.generator.kraken import KrakenEncoder
from ingestion.generator.market import Market
from ingestion.simulator.exchange import Exchange
from ingestion.simulator.limits import Limits
from ingestion.simulator.listing import Publication, Truth, Wanted
from ingestion.simulator.session import POLICY_VIOLATION, Close, Out, Session, Snapshot, names
from market.venues.kraken import BOOK_DEPTHS

DEFAULT_DEPTH = 10
CONNECTION_ID = 11_278_572_044_473_960_836  # beyond a signed 64-bit integer, as theirs are
BOOKS = {f"book.{depth}": depth for depth in BOOK_DEPTHS}


class KrakenListing:
    """One pair. A depth is encoded from its first subscription on: each shows the same book, cut differently."""

    def __init__(self, market: Market, first_id: int) -> None:
        self.symbol = market.instrument.symbol
        self.instrument = market.instrument
        self._market = market
        self._first_id = first_id
        self._books: dict[str, KrakenEncoder] = {}
        self._tape = KrakenEncoder(market, first_id)
        self._time_us = 0

    def offers(self, stream: str) -> bool:
        channel, _, symbol = stream.partition(":")
        return symbol == self.symbol and (channel in BOOKS or channel == self._tape.trade_channel)

    def advance(self, time_us: int, wanted: Wanted) -> Iterator[Publication]:
        step = self._market.step()
        self._time_us = time_us
        for trade in self._tape.trades(step, time_us):
            yield Publication(f"trade:{self.symbol}", self.symbol, "trade", trade)
        for channel, encoder in self._books.items():
            frame = encoder.delta(step, time_us)
            if frame is not None:
                yield Publication(f"{channel}:{self.symbol}", self.symbol, "book", frame)

    def snapshot(self, stream: str, time_us: int) -> Publication | None:
        channel = stream.partition(":")[0]
        if channel not in BOOKS:
            return None
        if channel not in self._books:
            self._books[channel] = KrakenEncoder(self._market, self._first_id, BOOKS[channel])
        return Publication(stream, self.symbol, "book", self._books[channel].snapshot(time_us))

    def truth(self, depth: int | None) -> Truth:
        return Truth(self.symbol, self._time_us, self._time_us, *self._market.truth(depth))


class KrakenSession(Session):
    """One connection: a status frame first, heartbeats once anything is subscribed."""

    def __init__(self, exchange: Exchange, limits: Limits, now: float) -> None:
        super().__init__(limits, now)
        self._exchange = exchange
        self._beating = False
        self._after(limits.idle_s, self._idle, now)

    def opened(self, now: float) -> Iterable[Out]:
        row = {"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": CONNECTION_ID}
        return [msgspec.json.encode({"channel": "status", "type": "update", "data": [row]})]

    def _command(self, message: dict[str, Any], now: float) -> Iterable[Out]:
        method, params = message.get("method"), message.get("params")
        head = {"req_id": message["req_id"]} if isinstance(message.get("req_id"), int) else {}
        if method == "ping":
            return [_reply({"method": "pong"} | head, now)]
        if method not in ("subscribe", "unsubscribe"):
            return [_refusal(f"Unsupported method {method!r}", {"method": method} | head, now)]
        head = {"method": method} | head
        asked = params if isinstance(params, dict) else {}
        if asked.get("channel") == "instrument" and method == "subscribe":
            return [_success({"channel": "instrument", "snapshot": True}, head, now), self._instruments()]
        symbols = names(asked.get("symbol"))
        if asked.get("channel") not in ("book", "trade") or not symbols:
            return [_refusal("Malformed request: expected channel book or trade and symbols", head, now)]
        if asked["channel"] == "book" and asked.get("depth", DEFAULT_DEPTH) not in BOOK_DEPTHS:
            return [_refusal("Subscription depth not supported", head, now)]
        change = self._subscribe if method == "subscribe" else self._unsubscribe
        return [out for symbol in symbols for out in change(symbol, asked, head, now)]

    def _subscribe(self, symbol: str, asked: dict[str, Any], head: dict[str, Any], now: float) -> Iterator[Out]:
        stream, result = _stream(symbol, asked)
        if self.refusing:
            yield _refusal("Service unavailable", head | {"symbol": symbol}, now)
        elif self._exchange.offering(stream) is None:
            yield _refusal(f"Currency pair not supported {symbol}", head | {"symbol": symbol}, now)
        elif stream in self.streams:
            yield _refusal("Already subscribed", head | {"symbol": symbol}, now)
        else:
            self.streams[stream] = None
            wanted = bool(asked.get("snapshot", asked["channel"] == "book"))
            yield _success(result | {"snapshot": wanted}, head, now)
            if wanted:
                yield Snapshot(stream)
            self._start_beating(now)

    def _unsubscribe(self, symbol: str, asked: dict[str, Any], head: dict[str, Any], now: float) -> Iterator[Out]:
        stream, result = _stream(symbol, asked)
        if stream not in self.streams:
            yield _refusal("Subscription Not Found", head | {"symbol": symbol}, now)
            return
        del self.streams[stream]
        if not self.streams:
            self._after(self._limits.idle_s, self._idle, now)
        yield _success(result, head, now)

    def _start_beating(self, now: float) -> None:
        self._timers.pop(self._idle, None)
        if not self._beating:
            self._beating = True
            self._after(self._limits.heartbeat_s, self._beat, now)

    def _beat(self, now: float) -> Iterable[Out]:
        self._after(self._limits.heartbeat_s, self._beat, now)
        return [b'{"channel":"heartbeat"}']

    def _idle(self, now: float) -> Iterable[Out]:
        return [Close(POLICY_VIOLATION, "no subscription")]

    def _instruments(self) -> bytes:
        pairs = [
            {
                "symbol": listing.symbol,
                "status": "online",
                "price_precision": listing.instrument.price.decimals,
                "qty_precision": listing.instrument.size.decimals,
            }
            for listing in self._exchange.listings.values()
            if isinstance(listing, KrakenListing)
        ]
        return msgspec.json.encode(
            {"channel": "instrument", "type": "snapshot", "data": {"assets": [], "pairs": pairs}}
        )

    def _not_json(self, reason: str) -> bytes:
        return msgspec.json.encode({"error": f"Malformed request: {reason}", "success": False})


def _stream(symbol: str, asked: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name of the stream, and the result that acknowledges it: a book is named by its depth as well."""
    if asked["channel"] == "trade":
        return f"trade:{symbol}", {"channel": "trade", "symbol": symbol}
    depth = asked.get("depth", DEFAULT_DEPTH)
    return f"book.{depth}:{symbol}", {"channel": "book", "depth": depth, "symbol": symbol}


def _success(result: dict[str, Any], head: dict[str, Any], now: float) -> bytes:
    return _reply({"method": head["method"], "result": result, "success": True} | head, now)


def _refusal(reason: str, head: dict[str, Any], now: float) -> bytes:
    return _reply({"error": reason, "success": False} | head, now)


def _reply(fields: dict[str, Any], now: float) -> bytes:
    at = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return msgspec.json.encode(fields | {"time_in": at, "time_out": at})

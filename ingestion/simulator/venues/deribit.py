"""Deribit's subscriptions, heartbeats and credits over WebSocket (`venues.md` §5); its other methods are `rpc.py`."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ingestion.generator.deribit import DeribitEncoder
from ingestion.generator.market import Market
from ingestion.simulator.exchange import Exchange
from ingestion.simulator.limits import Credits, Limits
from ingestion.simulator.listing import Publication, Truth, Wanted
from ingestion.simulator.session import POLICY_VIOLATION, Close, Out, Session, Snapshot, names
from ingestion.simulator.venues.rpc import INVALID_PARAMS, Fault, Methods, Row, reply
from market.venues.deribit import CALL_CREDITS, SUBSCRIBE_CREDITS

RAW_NEEDS_KEY, TOO_MANY_REQUESTS, SERVICE_UNAVAILABLE, NOT_JSON = 13778, 10028, 11051, -32700
SUBSCRIBE = frozenset({"public/subscribe", "public/unsubscribe"})
HEARTBEAT_GRACE = 1.0  # how many intervals a test request may stay without an answer


class DeribitListing:
    """One perpetual: `book.NAME.100ms` and `trades.NAME.100ms`."""

    def __init__(self, market: Market, encoder: DeribitEncoder) -> None:
        self.symbol = market.instrument.symbol
        self._market = market
        self._encoder = encoder
        self._book, self._tape = (
            ".".join([kind, self.symbol, interval])
            for kind, _, interval in (encoder.book_channel.partition("."), encoder.trade_channel.partition("."))
        )
        self._time_us = 0

    def offers(self, stream: str) -> bool:
        return stream in (self._book, self._tape)

    def advance(self, time_us: int, wanted: Wanted) -> Iterator[Publication]:
        step = self._market.step()
        self._time_us = time_us
        for trades in self._encoder.trades(step, time_us):
            yield Publication(self._tape, self.symbol, "trade", trades)
        frame = self._encoder.delta(step, time_us)
        if frame is not None:
            yield Publication(self._book, self.symbol, "book", frame)

    def snapshot(self, stream: str, time_us: int) -> Publication | None:
        if stream != self._book:
            return None
        return Publication(stream, self.symbol, "book", self._encoder.snapshot(time_us))

    def instruments(self) -> Iterator[Row]:
        """Its row of `get_instruments`."""
        item = self._market.instrument
        base = self.symbol.partition("-")[0]
        yield {
            "instrument_name": self.symbol,
            "kind": "future",
            "instrument_type": "reversed",
            "settlement_period": "perpetual",
            "base_currency": base,
            "quote_currency": "USD",
            "counter_currency": "USD",
            "settlement_currency": base,
            "price_index": f"{base.lower()}_usd",
            "tick_size": float(item.price.fixed(1)),
            "min_trade_amount": float(item.size.fixed(1)),
            "contract_size": float(item.size.fixed(1)),
            "state": "open",
            "is_active": True,
            "creation_timestamp": 1_534_167_754_000,
            "expiration_timestamp": 32_503_708_800_000,
        }

    def truth(self, depth: int | None) -> Truth:
        return Truth(self.symbol, self._time_us, self._encoder.update_id, *self._market.truth(depth))


class DeribitSession(Session):
    """One unauthorised connection."""

    def __init__(self, exchange: Exchange, methods: Methods, limits: Limits, now: float) -> None:
        super().__init__(limits, now)
        self._exchange = exchange
        self._methods = methods
        self._subscribing, self._calling = Credits(30_000, 10_000), Credits(50_000, 10_000)
        self._interval = 0.0

    def _command(self, message: dict[str, Any], now: float) -> Iterable[Out]:
        method, params, request = message.get("method"), message.get("params"), message.get("id")
        if not isinstance(method, str):
            method = ""
        bucket, cost = (self._subscribing, SUBSCRIBE_CREDITS) if method in SUBSCRIBE else (self._calling, CALL_CREDITS)
        if not bucket.spend(cost, now):
            fault = Fault(TOO_MANY_REQUESTS, "too_many_requests")
            return [reply(request, fault, now), Close(POLICY_VIOLATION, "too_many_requests")]
        try:
            result, after = self._call(method, params if isinstance(params, dict) else {}, now)
        except Fault as fault:
            return [reply(request, fault, now)]
        return [reply(request, result, now), *after]

    def _call(self, method: str, params: dict[str, Any], now: float) -> tuple[Any, list[Out]]:
        match method:
            case "public/subscribe":
                return self._subscribe(_channels(params))
            case "public/unsubscribe":
                gone = [name for name in _channels(params) if self.streams.pop(name, self) is None]
                return gone, []
            case "public/unsubscribe_all":
                self.streams.clear()
                return "ok", []
            case "public/set_heartbeat":
                return self._heartbeats(params.get("interval"), now), []
            case "public/disable_heartbeat":
                self._interval = 0.0
                self._timers.pop(self._beat, None)
                self._timers.pop(self._untested, None)
                return "ok", []
            case "public/test":
                self._timers.pop(self._untested, None)
        return self._methods.call(method, params, now), []

    def _subscribe(self, channels: Iterable[str]) -> tuple[list[str], list[Out]]:
        """Accepted channels, in another order than asked; what does not exist is left out without a word."""
        if self.refusing:
            raise Fault(SERVICE_UNAVAILABLE, "system_maintenance")
        if any(channel.endswith(".raw") for channel in channels):
            raise Fault(RAW_NEEDS_KEY, "raw_subscriptions_not_available_for_unauthorized")
        accepted = sorted(channel for channel in set(channels) if self._exchange.offering(channel))
        new = [channel for channel in accepted if channel not in self.streams]
        if len(self.streams) + len(new) > self._limits.streams:
            raise Fault(TOO_MANY_REQUESTS, "too_many_requests", {"reason": "subscriptions"})
        self.streams.update(dict.fromkeys(new))
        return accepted, [Snapshot(channel) for channel in new]

    def _heartbeats(self, interval: Any, now: float) -> str:
        if not isinstance(interval, int) or interval < self._limits.heartbeat_s:
            least = f"must be at least {self._limits.heartbeat_s:g}"
            raise Fault(INVALID_PARAMS, "Invalid params", {"param": "interval", "reason": least})
        self._interval = float(interval)
        self._timers.pop(self._untested, None)
        self._after(self._interval, self._beat, now)
        return "ok"

    def _beat(self, now: float) -> Iterable[Out]:
        """A heartbeat, and the test request that must be answered before the next one."""
        self._after(self._interval, self._beat, now)
        if self._untested not in self._timers:
            self._after(self._interval * HEARTBEAT_GRACE, self._untested, now)
        return [_heartbeat("heartbeat"), _heartbeat("test_request")]

    def _untested(self, now: float) -> Iterable[Out]:
        return [Close(POLICY_VIOLATION, "test_request was not answered")]

    def _not_json(self, reason: str) -> bytes:
        return reply(None, Fault(NOT_JSON, "Parse error", {"reason": reason}), 0.0)


def _channels(params: dict[str, Any]) -> Iterable[str]:
    channels = names(params.get("channels"))
    if channels is None:
        raise Fault(INVALID_PARAMS, "Invalid params", {"param": "channels", "reason": "must be a list of strings"})
    return channels


def _heartbeat(kind: str) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": kind}})

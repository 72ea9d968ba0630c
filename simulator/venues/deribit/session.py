"""Deribit's subscriptions, heartbeats and credits over WebSocket. Methods without state are in `rpc.py`."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from simulator.exchange import Exchange
from simulator.generator.market import Market
from simulator.limits import Credits, Limits
from simulator.publication import HasSubscribers, Publication, ReferenceBook
from simulator.session import POLICY_VIOLATION, Close, Outgoing, ServerSession, SnapshotOf, parse_names
from simulator.venues.deribit.encoder import DeribitEncoder
from simulator.venues.deribit.rpc import INVALID_PARAMS, Methods, Row, RpcError, encode_reply
from venues.deribit.constants import CALL_CREDITS, SUBSCRIBE_CREDITS

RAW_NEEDS_KEY, TOO_MANY_REQUESTS, SERVICE_UNAVAILABLE, NOT_JSON = 13778, 10028, 11051, -32700
SUBSCRIBE = frozenset({"public/subscribe", "public/unsubscribe"})
HEARTBEAT_GRACE = 1.0  # intervals in which a test request must be answered


class Perpetual:
    """One perpetual: `book.NAME.100ms` and `trades.NAME.100ms`."""

    def __init__(self, market: Market, encoder: DeribitEncoder) -> None:
        self.symbol = market.instrument.symbol
        self.market = market
        self._encoder = encoder
        self._book, self._trades = (
            ".".join([kind, self.symbol, interval])
            for kind, _, interval in (encoder.book_channel.partition("."), encoder.trade_channel.partition("."))
        )
        self._time_us = 0

    def offers(self, stream: str) -> bool:
        return stream in (self._book, self._trades)

    def advance(self, time_us: int, has_subscribers: HasSubscribers) -> Iterator[Publication]:
        step = self.market.step()
        self._time_us = time_us
        for trades in self._encoder.trades(step, time_us):
            yield Publication(self._trades, self.symbol, "trade", trades)
        frame = self._encoder.delta(step, time_us)
        if frame is not None:
            yield Publication(self._book, self.symbol, "book", frame)

    def snapshot(self, stream: str, time_us: int) -> Publication | None:
        if stream != self._book:
            return None
        return Publication(stream, self.symbol, "book", self._encoder.snapshot(time_us))

    def reset_ids(self, first_id: int) -> None:
        """Continue with ids from `first_id` on."""
        self._encoder.reset_ids(first_id)

    def instruments(self) -> Iterator[Row]:
        """Row of `get_instruments`."""
        item = self.market.instrument
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

    def reference_book(self, depth: int | None) -> ReferenceBook:
        return ReferenceBook(self.symbol, self._time_us, self._encoder.update_id, *self.market.reference_book(depth))


class DeribitSession(ServerSession):
    """One unauthorised connection."""

    def __init__(self, exchange: Exchange, methods: Methods, limits: Limits, now: float) -> None:
        super().__init__(limits, now)
        self._exchange = exchange
        self._methods = methods
        self._subscribing, self._calling = Credits(30_000, 10_000), Credits(50_000, 10_000)
        self._interval = 0.0

    def _handle(self, message: dict[str, Any], now: float) -> Iterable[Outgoing]:
        method, params, request = message.get("method"), message.get("params"), message.get("id")
        if not isinstance(method, str):
            method = ""
        bucket, cost = (self._subscribing, SUBSCRIBE_CREDITS) if method in SUBSCRIBE else (self._calling, CALL_CREDITS)
        if not bucket.spend(cost, now):
            error = RpcError(TOO_MANY_REQUESTS, "too_many_requests")
            return [encode_reply(request, error, now), Close(POLICY_VIOLATION, "too_many_requests")]
        try:
            result, after = self._call(method, params if isinstance(params, dict) else {}, now)
        except RpcError as error:
            return [encode_reply(request, error, now)]
        return [encode_reply(request, result, now), *after]

    def _call(self, method: str, params: dict[str, Any], now: float) -> tuple[Any, list[Outgoing]]:
        match method:
            case "public/subscribe":
                return self._subscribe(_channels(params))
            case "public/unsubscribe":
                removed = [name for name in _channels(params) if self.streams.pop(name, self) is None]
                return removed, []
            case "public/unsubscribe_all":
                self.streams.clear()
                return "ok", []
            case "public/set_heartbeat":
                return self._set_heartbeat(params.get("interval"), now), []
            case "public/disable_heartbeat":
                self._interval = 0.0
                self._timers.pop(self._heartbeat, None)
                self._timers.pop(self._test_timeout, None)
                return "ok", []
            case "public/test":
                self._timers.pop(self._test_timeout, None)
        return self._methods.call(method, params, now), []

    def _subscribe(self, channels: Iterable[str]) -> tuple[list[str], list[Outgoing]]:
        """Accepted channels, in another order than requested. Unknown channels are left out without an error."""
        if self.refusing:
            raise RpcError(SERVICE_UNAVAILABLE, "system_maintenance")
        if any(channel.endswith(".raw") for channel in channels):
            raise RpcError(RAW_NEEDS_KEY, "raw_subscriptions_not_available_for_unauthorized")
        accepted = sorted(channel for channel in set(channels) if self._exchange.find_stream(channel))
        new = [channel for channel in accepted if channel not in self.streams]
        if len(self.streams) + len(new) > self._limits.streams:
            raise RpcError(TOO_MANY_REQUESTS, "too_many_requests", {"reason": "subscriptions"})
        self.streams.update(dict.fromkeys(new))
        return accepted, [SnapshotOf(channel) for channel in new]

    def _set_heartbeat(self, interval: Any, now: float) -> str:
        if not isinstance(interval, int) or interval < self._limits.heartbeat_s:
            reason = f"must be at least {self._limits.heartbeat_s:g}"
            raise RpcError(INVALID_PARAMS, "Invalid params", {"param": "interval", "reason": reason})
        self._interval = float(interval)
        self._timers.pop(self._test_timeout, None)
        self._after(self._interval, self._heartbeat, now)
        return "ok"

    def _heartbeat(self, now: float) -> Iterable[Outgoing]:
        """A heartbeat, and a test request that the client must answer before the next one."""
        self._after(self._interval, self._heartbeat, now)
        if self._test_timeout not in self._timers:
            self._after(self._interval * HEARTBEAT_GRACE, self._test_timeout, now)
        return [_heartbeat_frame("heartbeat"), _heartbeat_frame("test_request")]

    def _test_timeout(self, now: float) -> Iterable[Outgoing]:
        return [Close(POLICY_VIOLATION, "test_request was not answered")]

    def _not_json(self, reason: str) -> bytes:
        return encode_reply(None, RpcError(NOT_JSON, "Parse error", {"reason": reason}), 0.0)


def _channels(params: dict[str, Any]) -> Iterable[str]:
    channels = parse_names(params.get("channels"))
    if channels is None:
        raise RpcError(INVALID_PARAMS, "Invalid params", {"param": "channels", "reason": "must be a list of strings"})
    return channels


def _heartbeat_frame(kind: str) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": kind}})

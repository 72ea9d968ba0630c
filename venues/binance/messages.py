"""Binance's messages, spot and USD-M: depth updates, REST snapshots, trades (docs/venues/binance.md)."""

from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from core.envelope import InvalidRecord, TypedEnvelope
from market.orderbook.feed_types import ChannelKind, EpochMs, Id, Price, Size, VenueTrade
from market.orderbook.partial_book import PartialMessage
from venues.binance.constants import MICROSECONDS_FROM

Levels = list[tuple[Price, Size]]
NotCoinMargined = Annotated[str, Meta(pattern="(?<!USD)$")]  # pair of a contract: those of COIN-M end with USD
PriceOrZero = Annotated[float, Meta(ge=0, lt=1e15)]  # fillers have no price
# Executions (`X` of USD-M) that are not trades of the book: fillers of the ids, the insurance fund, auto-deleveraging.
NOT_TRADES = frozenset({"NA", "INSURANCE_FUND", "ADL"})
TRADES = frozenset({"MARKET", "", None})  # spot and aggTrade name no execution
KNOWN_EXECUTIONS = "MARKET, ADL, INSURANCE_FUND or NA"


class DepthUpdate(Struct, gc=False):
    """`depthUpdate` with absolute sizes. Only USD-M sends `previous_id` (`pu`) and the matching time `T`."""

    kind: Literal["depthUpdate"] = field(name="e")
    sent_ms: EpochMs = field(name="E")
    symbol: str = field(name="s")
    first_id: Id = field(name="U")
    last_id: Id = field(name="u")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")
    matched_ms: EpochMs = field(name="T", default=0)
    previous_id: Id = field(name="pu", default=0)
    pair: NotCoinMargined = field(name="ps", default="")


class DepthFrame(Struct, gc=False):
    """A depth update in the wrapper of a combined stream."""

    data: DepthUpdate


class DepthSnapshot(Struct, gc=False):
    """The REST depth reply. It names no symbol, and on spot no time."""

    last_id: Id = field(name="lastUpdateId")
    bids: Levels
    asks: Levels
    sent_ms: EpochMs = field(name="E", default=0)
    matched_ms: EpochMs = field(name="T", default=0)
    pair: NotCoinMargined = ""


Event = TypeVar("Event", DepthUpdate, DepthSnapshot)


class TradeUpdate(Struct, gc=False):
    """`aggTrade` or `trade`. Each of the two streams counts its own ids. Only `trade` of USD-M names the execution."""

    kind: Literal["aggTrade", "trade"] = field(name="e")
    symbol: str = field(name="s")
    price: PriceOrZero = field(name="p")
    size: Size = field(name="q")
    traded_ms: EpochMs = field(name="T")
    buyer_is_maker: bool = field(name="m")
    aggregate_id: Id | None = field(name="a", default=None)
    trade_id: Id | None = field(name="t", default=None)
    execution: str | None = field(name="X", default=None)
    pair: str = field(name="ps", default="")


class _Wrapper(Struct, gc=False):
    """Fields that distinguish combined-stream frames, bare events and replies."""

    data: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    msg: str | UnsetType = UNSET
    kind: str = field(name="e", default="")


class _OldDepthUpdate(DepthUpdate, gc=False):
    """A depth update of the years when levels had a third element, documented as to be ignored."""

    bids: list[tuple[Price, Size, Raw]] = field(name="b")  # type: ignore[assignment]
    asks: list[tuple[Price, Size, Raw]] = field(name="a")  # type: ignore[assignment]


class _OldDepthSnapshot(DepthSnapshot, gc=False):
    """A REST depth reply of those years."""

    bids: list[tuple[Price, Size, Raw]]  # type: ignore[assignment]
    asks: list[tuple[Price, Size, Raw]]  # type: ignore[assignment]


class _Contract(Struct, gc=False):
    """Names of a contract: COIN-M adds its pair, `ps` in events and `pair` in REST replies."""

    symbol: str = field(name="s", default="")
    pair: str = field(name="ps", default="")
    rest_symbol: str = field(name="symbol", default="")
    rest_pair: str = field(name="pair", default="")


_KINDS = {
    "depth": ChannelKind.BOOK,
    "depth5": ChannelKind.PARTIAL,
    "depth10": ChannelKind.PARTIAL,
    "depth20": ChannelKind.PARTIAL,
    "snapshot": ChannelKind.SNAPSHOT,
    "aggTrade": ChannelKind.TRADES,
    "trade": ChannelKind.TRADES,
    "bookTicker": ChannelKind.IGNORED,
}
decode_book = msgspec.json.Decoder(TypedEnvelope[DepthFrame], strict=False).decode
_depth = msgspec.json.Decoder(DepthUpdate, strict=False).decode
_snapshot = msgspec.json.Decoder(DepthSnapshot, strict=False).decode
_trade = msgspec.json.Decoder(TradeUpdate, strict=False).decode
_old_depth = msgspec.json.Decoder(_OldDepthUpdate, strict=False).decode
_old_snapshot = msgspec.json.Decoder(_OldDepthSnapshot, strict=False).decode
_wrapper = msgspec.json.Decoder(_Wrapper).decode
_contract = msgspec.json.Decoder(_Contract).decode


@lru_cache(maxsize=64)
def channel_kind(channel: str) -> ChannelKind | None:
    """Kind of the frames on `depth@100ms`, `snapshot`, `aggTrade`, …; None for an unknown channel."""
    return _KINDS.get(channel.partition("@")[0])


def parse(
    kind: ChannelKind, frame: bytes, symbol: str
) -> DepthFrame | DepthSnapshot | PartialMessage | list[VenueTrade] | None:
    """Event in a frame of a combined stream or a bare one; None for acknowledgements, notices and what is not a trade.

    Raises `InvalidRecord` for a refusal, and msgspec's errors for a frame of another shape.
    """
    wrapper = _wrapper(frame)
    if wrapper.error is not UNSET or wrapper.msg is not UNSET:
        raise InvalidRecord(f"refused by the venue: {frame[:200].decode(errors='replace')}")
    if wrapper.result is not UNSET or wrapper.kind == "serverShutdown":
        return None
    event = wrapper.data if isinstance(wrapper.data, Raw) else frame
    if kind is ChannelKind.BOOK:
        return DepthFrame(_update_in(event))
    if kind is ChannelKind.PARTIAL:
        return _partial(event, symbol)
    if kind is ChannelKind.SNAPSHOT:
        return _snapshot_in(event)
    trade = _trade(event)
    if is_coin_margined(trade.pair):
        raise InvalidRecord(coin_margined(trade.symbol))
    if not trade.size or trade.execution in NOT_TRADES:
        return None
    if trade.execution not in TRADES:
        raise InvalidRecord(f"expected an execution (X) of {KNOWN_EXECUTIONS}, got {str(trade.execution)[:20]!r}")
    return [_venue_trade(trade, symbol)]


def _update_in(event: Raw | bytes) -> DepthUpdate:
    try:
        return _depth(event)
    except msgspec.ValidationError:
        _refuse_coin_margined(event)
        with suppress(msgspec.ValidationError):
            return _without_third_elements(_old_depth(event))
        raise


def _refuse_coin_margined(event: Raw | bytes) -> None:
    found = _contract(event)
    if is_coin_margined(found.pair or found.rest_pair):
        raise InvalidRecord(coin_margined(found.symbol or found.rest_symbol))


def _snapshot_in(event: Raw | bytes) -> DepthSnapshot:
    try:
        snapshot = _snapshot(event)
    except msgspec.ValidationError:
        _refuse_coin_margined(event)
        with suppress(msgspec.ValidationError):
            return to_milliseconds(_without_third_elements(_old_snapshot(event)))
        raise
    return to_milliseconds(snapshot)


def _without_third_elements(event: Event) -> Event:
    event.bids, event.asks = ([level[:2] for level in side] for side in (event.bids, event.asks))
    return event


def to_milliseconds(event: Event) -> Event:
    """The event with times in milliseconds. Connections with timeUnit=MICROSECOND print microseconds."""
    if event.sent_ms >= MICROSECONDS_FROM:
        event.sent_ms //= 1000
    if event.matched_ms >= MICROSECONDS_FROM:
        event.matched_ms //= 1000
    return event


def _partial(event: bytes, symbol: str) -> PartialMessage:
    """Partial depth: on spot the body of a REST reply, on USD-M an event like an update."""
    if _wrapper(event).kind != "depthUpdate":
        body = _snapshot_in(event)
        return PartialMessage(body.last_id, event_time(body), body.bids, body.asks)
    update = to_milliseconds(_update_in(event))
    if update.symbol != symbol:
        raise InvalidRecord(f"expected symbol {symbol}, got {update.symbol}")
    return PartialMessage(update.last_id, event_time(update), update.bids, update.asks)


def _venue_trade(trade: TradeUpdate, symbol: str) -> VenueTrade:
    if not trade.price:
        raise InvalidRecord("expected a price above 0 on a trade, got 0")
    if trade.symbol != symbol:
        raise InvalidRecord(f"expected symbol {symbol}, got {trade.symbol}")
    number = trade.aggregate_id if trade.kind == "aggTrade" else trade.trade_id
    if number is None:
        raise InvalidRecord(f"expected an id on {trade.kind}, got none")
    at = trade.traded_ms if trade.traded_ms < MICROSECONDS_FROM else trade.traded_ms // 1000
    return VenueTrade(trade.kind, number, str(number), at, trade.price, trade.size, not trade.buyer_is_maker)


def is_coin_margined(pair: str) -> bool:
    """True for the pair of a COIN-M contract: BTCUSD, where USD-M has BTCUSDT."""
    return pair.endswith("USD")


def coin_margined(symbol: str) -> str:
    """Reason to refuse a COIN-M contract, whose frames have the shape of USD-M."""
    return f"{symbol} is a COIN-M contract: its sizes count contracts, not coins; COIN-M is not supported"


def event_time(event: DepthUpdate | DepthSnapshot) -> int:
    """Matching time where the venue sends it, else the time of sending. Epoch ms; 0 for a spot snapshot."""
    return event.matched_ms or event.sent_ms

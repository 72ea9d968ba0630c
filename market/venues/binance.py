"""Binance spot: facts, wire shapes, sequence rule (venues.md §2). USD-M shares the shapes and has its own rule."""

from functools import lru_cache
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from market.envelope import Heard, Unusable
from market.venues.wire import APPLY, GAP, SKIP, Id, Kind, Millis, Price, Print, Size, Step, Traded

WS = "wss://stream.binance.com:9443"
WS_DATA_ONLY = "wss://data-stream.binance.vision"
REST = "https://api.binance.com"
DEPTH_PATH = "/api/v3/depth"
INFO_PATH = "/api/v3/exchangeInfo"
SNAPSHOT_LIMIT = 5000
SNAPSHOT_WEIGHTS = {100: 5, 500: 25, 1000: 50, 5000: 250}  # by the largest limit they cover
WEIGHT_PER_MINUTE = 6_000  # read the budget from exchangeInfo; this is the documented one
LIFETIME_S = 24 * 3600
SERVER_PING_S = 20
PONG_WITHIN_S = 60
MESSAGES_PER_S = 5
STREAMS_PER_CONNECTION = 1024
CONNECTS_PER_5_MIN = 300

Levels = list[tuple[Price, Size]]


class DepthUpdate(Struct, gc=False):
    """`depthUpdate`, sizes absolute. `previous_id` (`pu`) and the matching time `T` are sent by USD-M only."""

    kind: Literal["depthUpdate"] = field(name="e")
    sent_ms: Millis = field(name="E")
    symbol: str = field(name="s")
    first_id: Id = field(name="U")
    last_id: Id = field(name="u")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")
    matched_ms: Millis = field(name="T", default=0)
    previous_id: Id = field(name="pu", default=0)


class DepthFrame(Struct, gc=False):
    """A depth update as a combined stream wraps it."""

    data: DepthUpdate


class Snapshot(Struct, gc=False):
    """The REST depth reply: no symbol, and on spot no time."""

    last_id: Id = field(name="lastUpdateId")
    bids: Levels
    asks: Levels
    sent_ms: Millis = field(name="E", default=0)
    matched_ms: Millis = field(name="T", default=0)


class TradeUpdate(Struct, gc=False):
    """`aggTrade` or `trade`: each stream has ids of its own."""

    kind: Literal["aggTrade", "trade"] = field(name="e")
    symbol: str = field(name="s")
    price: Traded = field(name="p")
    size: Traded = field(name="q")
    traded_ms: Millis = field(name="T")
    buyer_is_maker: bool = field(name="m")
    aggregate_id: Id | None = field(name="a", default=None)
    trade_id: Id | None = field(name="t", default=None)


class _Wrapper(Struct, gc=False):
    """What tells a combined stream's frame from a bare event, and both from what is no event at all."""

    data: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    msg: str | UnsetType = UNSET
    kind: str = field(name="e", default="")


_KINDS = {
    "depth": Kind.BOOK,
    "snapshot": Kind.SNAPSHOT,
    "aggTrade": Kind.TRADES,
    "trade": Kind.TRADES,
    "bookTicker": Kind.IGNORED,
}
decode_book = msgspec.json.Decoder(Heard[DepthFrame], strict=False).decode
_depth = msgspec.json.Decoder(DepthUpdate, strict=False).decode
_snapshot = msgspec.json.Decoder(Snapshot, strict=False).decode
_trade = msgspec.json.Decoder(TradeUpdate, strict=False).decode
_wrapper = msgspec.json.Decoder(_Wrapper).decode


@lru_cache(maxsize=64)
def kind(channel: str) -> Kind | None:
    """What `depth@100ms`, `snapshot`, `aggTrade`, … carry; None for a channel that is not known."""
    return _KINDS.get(channel.partition("@")[0])


def parse(channel: Kind, frame: bytes, symbol: str) -> DepthFrame | Snapshot | list[Print] | None:
    """The event in a frame, combined or bare; None for acknowledgements and notices.

    Raises `Unusable` for a refusal, and msgspec's errors for a shape that is not the channel's.
    """
    wrapper = _wrapper(frame)
    if wrapper.error is not UNSET or wrapper.msg is not UNSET:
        raise Unusable(f"refused by the venue: {frame[:200].decode(errors='replace')}")
    if wrapper.result is not UNSET or wrapper.kind == "serverShutdown":
        return None
    event = wrapper.data if isinstance(wrapper.data, Raw) else frame
    if channel is Kind.BOOK:
        return DepthFrame(_depth(event))
    return _snapshot(event) if channel is Kind.SNAPSHOT else [_print(_trade(event), symbol)]


def _print(trade: TradeUpdate, symbol: str) -> Print:
    if trade.symbol != symbol:
        raise Unusable(f"expected symbol {symbol}, got {trade.symbol}")
    number = trade.aggregate_id if trade.kind == "aggTrade" else trade.trade_id
    if number is None:
        raise Unusable(f"expected an id on {trade.kind}, got none")
    return Print(trade.kind, number, str(number), trade.traded_ms, trade.price, trade.size, not trade.buyer_is_maker)


def event_time(event: DepthUpdate | Snapshot) -> int:
    """Matching time where the venue sends it, else the time of sending; epoch ms, 0 for a spot snapshot."""
    return event.matched_ms or event.sent_ms


class SpotRule:
    """Ids belong to the symbol and leave no hole: an update must start at or before the id after the book's.

    The documented bridge wants `lastUpdateId` inside [U; u]; in every recorded bridge the first update kept starts
    right after it. So the bridge is the same test as any other step.
    """

    live_at_install = True

    @staticmethod
    def check(update: DepthUpdate) -> None:
        """Raise `Unusable` for ids that contradict themselves."""
        if update.first_id > update.last_id:
            raise Unusable(f"expected U <= u, got U {update.first_id} and u {update.last_id}")

    @staticmethod
    def step(book_id: int, update: DepthUpdate) -> Step:
        """What to do with `update` when the book stands at `book_id`."""
        if update.last_id <= book_id:
            return SKIP
        return APPLY if update.first_id <= book_id + 1 else GAP

    bridge = step

    @staticmethod
    def broken(book_id: int, update: DepthUpdate) -> tuple[int, int]:
        """Expected and actual id at a gap."""
        return book_id + 1, update.first_id

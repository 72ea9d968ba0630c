"""Classification of Binance's frames, spot and USD-M: events of combined streams, bare events, replies, REST books."""

import re

import msgspec

from venues.binance.bare_updates import BareUpdates
from venues.binance.constants import MICROSECONDS_FROM
from venues.binance.messages import coin_margined, is_coin_margined
from venues.frame_info import FrameInfo, UnclassifiedFrame

COIN_MARGINED = re.compile(r"USD_(PERP|\d{6})$")  # BTCUSD_PERP, BTCUSD_251226; USD-M has BTCUSDT_251226
OPTION = re.compile(r"-\d{6}-[\d.]+-[CP]$")  # BTC-251226-100000-C
FORWARDED_EVENTS = {"depthUpdate": "depth", "aggTrade": "aggTrade", "trade": "trade", "bookTicker": "bookTicker"}


class _Event(msgspec.Struct, gc=False):
    e: str = ""
    E: int | None = None
    T: int | None = None
    s: str = ""
    B: str = ""  # best bid size: identifies spot's bookTicker, which has no `e`
    lastUpdateId: int | None = None
    ps: str = ""  # pair of a COIN-M contract
    pu: msgspec.Raw = msgspec.Raw()  # of updates of USD-M alone
    M: msgspec.Raw = msgspec.Raw()  # of trades of spot alone


class _Body(msgspec.Struct, gc=False):
    """Reply of REST for a book; COIN-M names its contract."""

    symbol: str = ""
    pair: str = ""


class _Frame(_Event, gc=False):
    stream: str = ""
    data: _Event | None = None
    result: msgspec.Raw = msgspec.Raw()
    id: int | str | None = None
    error: msgspec.Raw = msgspec.Raw()


class _MarketEvent(msgspec.Struct, gc=False):
    """The fields by which the two markets differ."""

    e: str = ""
    s: str = ""
    B: str = ""
    lastUpdateId: int | None = None
    pu: int | None = None
    T: int | None = None
    M: bool | None = None


class _MarketFrame(_MarketEvent, gc=False):
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Frame).decode
_decode_body = msgspec.json.Decoder(_Body).decode
_decode_market = msgspec.json.Decoder(_MarketFrame).decode
_decode_event = msgspec.json.Decoder(_MarketEvent).decode


class BinanceClassifier:
    """Classifier of one connection or recording.

    `bare_updates`, of USD-M alone, follows the updates that have no stream's name, where partial depth has the same
    fields.
    """

    def __init__(self, bare_updates: BareUpdates | None = None) -> None:
        self._bare_updates = bare_updates
        self._is_spot = bare_updates is None

    def classify(self, frame: bytes) -> FrameInfo:
        """FrameInfo of one frame. The symbol is the event's; partial depth names none, so there it is the stream's."""
        found = _decode(frame)
        event = found if found.data is None else found.data
        if event.ps and is_coin_margined(event.ps):
            raise UnclassifiedFrame(coin_margined(event.s))
        if event.pu if self._is_spot else event.M:
            raise UnclassifiedFrame(_of_the_other_market(event.s, self._is_spot))
        time_ms = event.T if event.E is None else event.E
        time_us = None if time_ms is None else time_ms if time_ms >= MICROSECONDS_FROM else time_ms * 1000
        if found.stream:
            symbol, _, channel = found.stream.partition("@")
            if channel == "depthSnapshot":  # a REST reply in a tardis.dev recording
                return FrameInfo("snapshot", event.s or symbol.upper(), time_us)
            forwarded = channel.startswith(("depth", "aggTrade", "trade", "bookTicker"))
            return FrameInfo(channel or found.stream, event.s or symbol.upper(), time_us, forwarded)
        return self._without_stream(frame, event, time_us) or _reply(found)

    def _without_stream(self, frame: bytes, event: _Event, time_us: int | None) -> FrameInfo | None:
        if event.e:
            if event.e == "depth":
                raise UnclassifiedFrame(refuse_product(event.s) or "a depth event of Binance's options")
            if self._bare_updates is not None and event.e == "depthUpdate":
                self._bare_updates.check(frame)
            return FrameInfo(FORWARDED_EVENTS.get(event.e, event.e), event.s, time_us, event.e in FORWARDED_EVENTS)
        if event.lastUpdateId is not None:
            body = _decode_body(frame)
            if is_coin_margined(body.pair):
                raise UnclassifiedFrame(coin_margined(body.symbol))
            return FrameInfo("snapshot", "", time_us)
        return FrameInfo("bookTicker", event.s) if event.s and event.B else None


def _reply(found: _Frame) -> FrameInfo:
    if found.error:
        return FrameInfo("error", forwarded=False)
    if found.result or found.id is not None:
        return FrameInfo("ack", forwarded=False)
    raise UnclassifiedFrame("neither an event, a depth body nor a reply of Binance")


def _of_the_other_market(symbol: str, is_spot: bool) -> str:
    """Reason to refuse a frame of USD-M among those of spot, or the reverse."""
    if is_spot:
        return f"{symbol}: an update of USD-M (it has `pu`) among frames of spot: they belong to binance_usdm"
    return f"{symbol}: a trade of spot (it has `M`) among frames of USD-M: it belongs to the venue binance"


def recognise_spot(frame: bytes) -> str | None:
    """Symbol of a frame of the spot market, "" where it names none; None for any other frame."""
    return _recognise(frame, usdm=False)


def recognise_usdm(frame: bytes) -> str | None:
    """Symbol of a frame of the USD-M market, "" where it names none; None for any other frame."""
    return _recognise(frame, usdm=True)


def refuse_product(symbol: str) -> str:
    """Reason to refuse a COIN-M contract or an option, whose frames have the shape of USD-M; "" for others."""
    if COIN_MARGINED.search(symbol):
        return coin_margined(symbol)
    return f"{symbol} is an option of Binance; options of Binance are not supported" if OPTION.search(symbol) else ""


def _recognise(frame: bytes, usdm: bool) -> str | None:
    found = _decode_market(frame)
    event = _decode_event(found.data) if found.stream else found
    return event.s if _is_usdm(event) is usdm else None


def _is_usdm(event: _MarketEvent) -> bool | None:
    """Market of an event, None for other frames. Event names are the same; each market has fields of its own."""
    if event.e == "depthUpdate":
        return event.pu is not None
    if event.e in ("trade", "aggTrade"):
        return event.M is None
    if event.B:
        return event.e == "bookTicker"
    return None if event.lastUpdateId is None else event.T is not None

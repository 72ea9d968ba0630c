"""Classification of Deribit's frames: notifications, replies of the public methods, heartbeats."""

from contextlib import suppress
from typing import Any

import msgspec

from venues.frame_info import FrameInfo, UnclassifiedFrame

SYMBOL_FIRST = frozenset({"book", "ticker", "trades", "incremental_ticker"})  # `kind.symbol.parameters`
RENAMED = {"deribit_price_index": "index"}


class _Data(msgspec.Struct, gc=False):
    timestamp: int | None = None


class _Params(msgspec.Struct, gc=False):
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Frame(msgspec.Struct, gc=False):
    method: str = ""
    params: _Params | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()
    usOut: int | None = None


class _Row(msgspec.Struct, gc=False):
    """The fields that tell what a reply is, of any type: one bad row does not make the reply an acknowledgement."""

    instrument_name: Any
    quote_currency: Any = ""
    expiration_timestamp: Any = None


_decode = msgspec.json.Decoder(_Frame).decode
_decode_data = msgspec.json.Decoder(_Data | list[_Data]).decode
_decode_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_row = msgspec.json.Decoder(_Row).decode


def classify_deribit(frame: bytes) -> FrameInfo:
    """FrameInfo of one frame. REST replies for a chain are `book_summary` or `instrument`, with the chain as symbol."""
    found = _decode(frame)
    if found.method == "subscription" and found.params is not None:
        return _notification(found.params)
    if found.method:
        return FrameInfo(found.method, forwarded=False)
    if found.error:
        return FrameInfo("error", forwarded=False)
    if found.result:
        return _reply(found)
    raise UnclassifiedFrame("neither a notification nor a reply of Deribit")


def _notification(params: _Params) -> FrameInfo:
    kind, *rest = params.channel.split(".")
    if not rest:
        raise UnclassifiedFrame(f"Deribit channel {params.channel!r} names no instrument")
    data = _decode_data(params.data)
    first = (data[0] if data else _Data()) if isinstance(data, list) else data
    time_us = None if first.timestamp is None else first.timestamp * 1000
    # `markprice.options.btc_usd` names its symbol last, all others first.
    symbol, parameters = (rest[0], rest[1:]) if kind in SYMBOL_FIRST else (rest[-1], rest[:-1])
    return FrameInfo(".".join([RENAMED.get(kind, kind), *parameters]), symbol, time_us)


def _reply(found: _Frame) -> FrameInfo:
    rows = _rows(found.result)
    if not rows:  # to a subscription (a list of channels), a test or a heartbeat setting
        return FrameInfo("ack", forwarded=False)
    channel = "instrument" if rows[0].expiration_timestamp is not None else "book_summary"
    return FrameInfo(channel, _chain(rows), found.usOut)


def _rows(result: msgspec.Raw) -> list[_Row]:
    rows = []
    with suppress(msgspec.ValidationError):
        for raw in _decode_rows(result):
            with suppress(msgspec.ValidationError):
                rows.append(_decode_row(raw))
    return rows


def _chain(rows: list[_Row]) -> str:
    """Underlying of the rows (`BTC`), or their quote currency where the list spans several underlyings (`USDC`)."""
    underlyings = {row.instrument_name.partition("-")[0] for row in rows if isinstance(row.instrument_name, str)}
    currency = rows[0].quote_currency
    return underlyings.pop() if len(underlyings) == 1 else currency if isinstance(currency, str) else ""


class _Origin(msgspec.Struct, gc=False):
    jsonrpc: str = ""


_decode_origin = msgspec.json.Decoder(_Origin).decode


def recognise_deribit(frame: bytes) -> str | None:
    """Empty text for a JSON-RPC frame, which only Deribit sends; None for any other."""
    return "" if _decode_origin(frame).jsonrpc else None

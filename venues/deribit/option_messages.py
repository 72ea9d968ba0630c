"""Parser of Deribit's option messages: tickers, book summaries, instruments, index prices (docs/venues/deribit.md)."""

from collections.abc import Callable, Iterator
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct

from core.envelope import DECODE_ERRORS, InvalidRecord
from market.options.events import NAN, Event, IndexPrice, Instrument, OptionQuote, Quote, RefusedRow
from venues.deribit.instruments import parse_name

SETTLEMENT_MS = 30 * 60 * 1000  # before the expiry
NO_IV = 999.0  # percent; the venue prints 999 or 0 where it has no volatility
# Sums of a thousand such amounts, counted in millionths, stay exact in 64 bits (`positioning.to_fixed_point`).
Amount: TypeAlias = Annotated[float, Meta(ge=0, le=1e10)]
OptionPrice: TypeAlias = Annotated[float, Meta(ge=0, le=1e12)]
OptionTimeMs: TypeAlias = Annotated[int, Meta(ge=10**10, lt=10**14)]  # below: seconds


class _Stats(Struct, gc=False):
    volume: Amount | None = None


class _Row(Struct, gc=False):
    """The fields read from a ticker, a book summary row or an instrument row."""

    instrument_name: str = ""
    timestamp: OptionTimeMs | None = None
    creation_timestamp: OptionTimeMs | None = None
    expiration_timestamp: OptionTimeMs | None = None
    best_bid_price: OptionPrice | None = None
    best_bid_amount: Amount | None = None
    best_ask_price: OptionPrice | None = None
    best_ask_amount: Amount | None = None
    bid_price: OptionPrice | None = None
    ask_price: OptionPrice | None = None
    mark_price: OptionPrice | None = None
    mark_iv: float | None = None
    open_interest: Amount | None = None
    volume: Amount | None = None
    stats: _Stats | None = None
    underlying_price: OptionPrice | None = None
    underlying_index: str | None = None
    index_price: OptionPrice | None = None
    estimated_delivery_price: OptionPrice | None = None
    interest_rate: Annotated[float, Meta(ge=-10, le=10)] | None = None
    kind: str = "option"
    strike: OptionPrice | None = None
    option_type: str | None = None
    instrument_type: str | None = None


class _Named(Struct, gc=False):
    """Fields that identify the option of a refused row."""

    instrument_name: str = ""
    kind: str = "option"


class _Index(Struct, gc=False):
    index_name: str
    price: Annotated[float, Meta(gt=0, le=1e12)]
    timestamp: OptionTimeMs


class _Params(Struct, gc=False):
    channel: str
    data: Raw


class _Message(Struct, gc=False):
    params: _Params | None = None
    result: Raw = Raw(b"")


_message = msgspec.json.Decoder(_Message)
_rows = msgspec.json.Decoder(list[Raw])
_row = msgspec.json.Decoder(_Row)
_named = msgspec.json.Decoder(_Named)
_index = msgspec.json.Decoder(_Index)


def parse(frame: bytes | Raw, underlying: str | None = None) -> Iterator[Event | InvalidRecord]:
    """Events of one frame: a notification (`ticker.*`, `deribit_price_index.*`) or the reply to a REST call.

    A reply contains instrument rows, which have an `expiration_timestamp`, or book summary rows. An unusable row or
    ticker is yielded as a `RefusedRow` and the other rows are used. Rows of futures and combos are skipped; with
    `underlying`, rows of other chains as well: linear families that are paid in one currency are listed together.
    Notifications `instrument.*` are skipped: the list comes by REST, and an option ends by its expiry.
    """
    try:
        message = _message.decode(frame)
        if message.params is not None:
            yield from filter(None, (_notification(message.params),))
        elif message.result:
            yield from filter(None, (_from_row(raw, underlying, _event) for raw in _listed(message.result)))
        else:
            yield InvalidRecord("neither a notification nor a reply with a result")
    except DECODE_ERRORS as fault:
        yield InvalidRecord(str(fault))
    except InvalidRecord as reason:
        yield reason


def _notification(params: _Params) -> Event | InvalidRecord | None:
    kind, _, rest = params.channel.partition(".")
    if kind == "instrument":
        return None
    if kind == "deribit_price_index":
        index = _index.decode(params.data)
        return IndexPrice(index.index_name, index.timestamp, index.price)
    if kind != "ticker":
        raise InvalidRecord(f"channel {params.channel}: expected ticker.* or deribit_price_index.*")
    quote = _from_row(params.data, None, _quote)
    if not isinstance(quote, OptionQuote):
        return quote
    if not rest.startswith(f"{quote.name}."):
        raise InvalidRecord(f"channel {params.channel} carries a ticker of {quote.name}")
    return quote


def _listed(result: Raw) -> list[Raw]:
    return _rows.decode(result) if bytes(result).startswith(b"[") else [result]


def _from_row(raw: Raw, underlying: str | None, read: Callable[[_Row], Event]) -> Event | InvalidRecord | None:
    try:
        row = _row.decode(raw)
        return read(row) if _is_option(row, underlying) else None
    except (*DECODE_ERRORS, InvalidRecord) as fault:
        return _refused(raw, underlying, str(fault))


def _is_option(row: _Row | _Named, underlying: str | None) -> bool:
    """True for an option of the underlying; None: of any. A row without a name may be one."""
    return row.kind == "option" and underlying in (None, row.instrument_name.partition("-")[0] or underlying)


def _refused(raw: Raw, underlying: str | None, reason: str) -> RefusedRow | None:
    try:
        named = _named.decode(raw)
    except DECODE_ERRORS:
        named = _Named()
    return RefusedRow(reason, named.instrument_name, bytes(raw)) if _is_option(named, underlying) else None


def _event(row: _Row) -> Event:
    return _quote(row) if row.expiration_timestamp is None else _instrument(row, row.expiration_timestamp)


def _instrument(row: _Row, expiry: int) -> Instrument:
    if row.option_type not in ("call", "put") or not row.strike:
        raise InvalidRecord("instrument: expected a strike and an option_type of call or put")
    named = parse_name(row.instrument_name)
    linear = row.instrument_type == "linear" if row.instrument_type else named is not None and named.linear
    underlying = row.instrument_name.partition("-")[0]
    return Instrument(row.instrument_name, underlying, expiry, row.strike, row.option_type == "call", linear)


def _estimated_index(row: _Row, time: int) -> float | None:
    """The estimated delivery price, which is the index until the settlement window of the option begins.

    Summaries have no index price. Within the window the estimate is an average over it.
    """
    named = parse_name(row.instrument_name)
    settling = named is not None and named.expiry - time <= SETTLEMENT_MS
    return None if settling else row.estimated_delivery_price or None


def _quote(row: _Row) -> OptionQuote:
    time = row.timestamp or row.creation_timestamp
    if not row.instrument_name or time is None:
        raise InvalidRecord("a quote without instrument_name or timestamp")
    volume = row.stats.volume if row.stats else row.volume
    is_forward = row.underlying_index is not None and row.underlying_index != "index_price"
    values = (
        # No bid is 0 in tickers and null in summaries; it is never a price of zero.
        row.best_bid_price or row.bid_price or None,
        row.best_bid_amount,
        row.best_ask_price or row.ask_price or None,
        row.best_ask_amount,
        row.mark_price,
        round(row.mark_iv / 100, 8) if row.mark_iv is not None and 0 < row.mark_iv < NO_IV else None,
        row.open_interest,
        volume,
        row.underlying_price or None,
        1.0 if is_forward else 0.0,
        row.index_price or _estimated_index(row, time),
        row.interest_rate,
    )
    return OptionQuote(row.instrument_name, time, Quote(*[NAN if value is None else value for value in values]))

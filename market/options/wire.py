"""Deribit's option messages, decoded: tickers, book summaries, instruments and index prices."""

from collections.abc import Iterator
from typing import Annotated, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct

from market.envelope import DECODE_ERRORS, Unusable
from market.options.instrument import Instrument, parse_name

NAN = float("nan")
NO_IV = 999.0  # percent: with 0, what the venue prints for "none"
# Sums of a thousand such amounts, counted in millionths, stay exact in 64 bits (`positioning.lots`).
Amount: TypeAlias = Annotated[float, Meta(ge=0, le=1e10)]
Price: TypeAlias = Annotated[float, Meta(ge=0, le=1e12)]
Millis: TypeAlias = Annotated[int, Meta(gt=0, lt=10**14)]


class Quote(NamedTuple):
    """All that one ticker or summary row says of an option; NaN where it says nothing. The order is that of `Chain`.

    Prices as quoted: coin for inverse options, quote currency for linear ones. `mark_iv` and `rate` are fractions.
    `underlying` is the published underlying price; `is_forward` is 1.0 where it is the expiry's forward (a future's
    or a synthetic one's price) and 0.0 where it is the index.
    """

    bid: float
    bid_size: float
    ask: float
    ask_size: float
    mark: float
    mark_iv: float
    open_interest: float
    volume: float
    underlying: float
    is_forward: float
    index_price: float
    rate: float


class OptionQuote(NamedTuple):
    """A quote of the instrument `name` at the venue's time, epoch ms."""

    name: str
    time: int
    quote: Quote


class IndexPrice(NamedTuple):
    """The price of the underlying's index at the venue's time, epoch ms."""

    index_name: str
    time: int
    price: float


Event: TypeAlias = OptionQuote | IndexPrice | Instrument


class _Stats(Struct, gc=False):
    volume: Amount | None = None


class _Row(Struct, gc=False):
    """Every field we read of a ticker, a book summary row and an instrument row, in the venue's names."""

    instrument_name: str = ""
    timestamp: Millis | None = None
    creation_timestamp: Millis | None = None
    expiration_timestamp: Millis | None = None
    best_bid_price: Price | None = None
    best_bid_amount: Amount | None = None
    best_ask_price: Price | None = None
    best_ask_amount: Amount | None = None
    bid_price: Price | None = None
    ask_price: Price | None = None
    mark_price: Price | None = None
    mark_iv: float | None = None
    open_interest: Amount | None = None
    volume: Amount | None = None
    stats: _Stats | None = None
    underlying_price: Price | None = None
    underlying_index: str | None = None
    index_price: Price | None = None
    estimated_delivery_price: Price | None = None
    interest_rate: Annotated[float, Meta(ge=-10, le=10)] | None = None
    kind: str = "option"
    strike: Price | None = None
    option_type: str | None = None
    instrument_type: str | None = None


class _Index(Struct, gc=False):
    index_name: str
    price: Annotated[float, Meta(gt=0, le=1e12)]
    timestamp: Millis


class _Params(Struct, gc=False):
    channel: str
    data: Raw


class _Message(Struct, gc=False):
    params: _Params | None = None
    result: Raw = Raw(b"")


_message = msgspec.json.Decoder(_Message)
_rows = msgspec.json.Decoder(list[Raw])
_row = msgspec.json.Decoder(_Row)
_index = msgspec.json.Decoder(_Index)


def parse(frame: bytes | Raw, underlying: str | None = None) -> Iterator[Event | Unusable]:
    """The events of one frame: a notification (`ticker.*`, `deribit_price_index.*`) or the reply of a REST call.

    Notifications `instrument.*` are passed over: what is listed comes by REST, and what expired goes by its time.

    Replies hold instrument rows or book summary rows, told apart by `expiration_timestamp`. One bad row is yielded as
    the reason it is unusable and the others are used. Rows of futures and of combos are passed over, and with
    `underlying` those of other chains: the linear families that are paid in one currency are listed together.
    """
    try:
        message = _message.decode(frame)
        if message.params is not None:
            yield from filter(None, (_notification(message.params),))
        elif message.result:
            yield from filter(None, (_from_row(raw, underlying) for raw in _listed(message.result)))
        else:
            yield Unusable("neither a notification nor a reply with a result")
    except DECODE_ERRORS as fault:
        yield Unusable(str(fault))
    except Unusable as reason:
        yield reason


def _notification(params: _Params) -> Event | None:
    kind, _, rest = params.channel.partition(".")
    if kind == "instrument":
        return None
    if kind == "deribit_price_index":
        index = _index.decode(params.data)
        return IndexPrice(index.index_name, index.timestamp, index.price)
    if kind != "ticker":
        raise Unusable(f"channel {params.channel}: expected ticker.* or deribit_price_index.*")
    quote = _quote(_row.decode(params.data))
    if not rest.startswith(f"{quote.name}."):
        raise Unusable(f"channel {params.channel} carries a ticker of {quote.name}")
    return quote


def _listed(result: Raw) -> list[Raw]:
    return _rows.decode(result) if bytes(result).startswith(b"[") else [result]


def _from_row(raw: Raw, underlying: str | None) -> Event | Unusable | None:
    try:
        row = _row.decode(raw)
        if row.kind != "option" or underlying not in (None, row.instrument_name.partition("-")[0] or underlying):
            return None
        return _quote(row) if row.expiration_timestamp is None else _instrument(row, row.expiration_timestamp)
    except DECODE_ERRORS as fault:
        return Unusable(str(fault))
    except Unusable as reason:
        return reason


def _instrument(row: _Row, expiry: int) -> Instrument:
    if row.option_type not in ("call", "put") or not row.strike:
        raise Unusable(f"instrument {row.instrument_name}: expected a strike and an option_type of call or put")
    named = parse_name(row.instrument_name)
    linear = row.instrument_type == "linear" if row.instrument_type else named is not None and named.linear
    underlying = row.instrument_name.partition("-")[0]
    return Instrument(row.instrument_name, underlying, expiry, row.strike, row.option_type == "call", linear)


def _quote(row: _Row) -> OptionQuote:
    time = row.timestamp or row.creation_timestamp
    if not row.instrument_name or time is None:
        raise Unusable("a quote without instrument_name or timestamp")
    volume = row.stats.volume if row.stats else row.volume
    is_forward = row.underlying_index is not None and row.underlying_index != "index_price"
    values = (
        # No bid is 0 in tickers and null in summaries, and never a price of zero.
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
        row.index_price or row.estimated_delivery_price or None,
        row.interest_rate,
    )
    return OptionQuote(row.instrument_name, time, Quote(*[NAN if value is None else value for value in values]))

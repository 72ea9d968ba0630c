"""Events of an option chain: quotes, index prices and listed instruments, in no exchange's notation."""

from typing import NamedTuple, TypeAlias

from msgspec import Struct

from core.envelope import InvalidRecord

NAN = float("nan")
MAX_NAME = 64  # characters of an instrument's name


class RefusedRow(InvalidRecord):
    """A row of an option that cannot be used. `name`: its instrument, or ""; `row`: its bytes."""

    def __init__(self, reason: str, name: str, row: bytes) -> None:
        super().__init__(f"{name[:MAX_NAME]}: {reason}" if name else reason)
        self.name = name
        self.row = row


class Quote(NamedTuple):
    """Fields of one ticker or summary row of an option; NaN where the message has no value. `Chain` stores this order.

    Prices as quoted: coin for inverse options, quote currency for linear ones. `mark_iv` and `rate` are fractions.
    `underlying` is the published underlying price; `is_forward` is 1.0 where it is the expiry's forward (price of a
    future or of a synthetic future) and 0.0 where it is the index.
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
    """Quote of the instrument `name` at the exchange's time, epoch ms."""

    name: str
    time: int
    quote: Quote


class IndexPrice(NamedTuple):
    """Price of the underlying's index at the exchange's time, epoch ms."""

    index_name: str
    time: int
    price: float


class Instrument(Struct, frozen=True, gc=False):
    """One listed option. `expiry`: epoch ms UTC. `strike` in the quote currency.

    `linear`: quoted and paid in the quote currency; otherwise in coin (inverse). `underlying` names the chain.
    """

    name: str
    underlying: str
    expiry: int
    strike: float
    is_call: bool
    linear: bool


Event: TypeAlias = OptionQuote | IndexPrice | Instrument

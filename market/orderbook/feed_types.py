"""Types shared by the frame parsers of all venues: bounded numbers, kinds of channel, trades, sequence results."""

from enum import Enum, auto
from typing import Annotated, NamedTuple

from msgspec import Meta

# The bound 1e15 rejects NaN, infinities and garbage exponents, and exceeds every real price and size.
Price = Annotated[float, Meta(gt=0, lt=1e15)]
Size = Annotated[float, Meta(ge=0, lt=1e15)]
TradeSize = Annotated[float, Meta(gt=0, lt=1e15)]
Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]
EpochMs = Annotated[int, Meta(ge=0, lt=2**53)]


class ChannelKind(Enum):
    """Kind of data on a channel."""

    BOOK = auto()
    SNAPSHOT = auto()
    TRADES = auto()
    IGNORED = auto()
    PARTIAL = auto()


class SequenceResult(Enum):
    """Result of a venue's sequence rule for one update: APPLY it, SKIP it as known, or GAP, updates are missing."""

    APPLY = auto()
    SKIP = auto()
    GAP = auto()


APPLY, SKIP, GAP = SequenceResult  # looking up an enum's member costs more than the rule itself


class VenueTrade(NamedTuple):
    """One trade of any venue. `number` increases within `stream`; numbers of different streams do not compare.

    `event_time` in epoch ms, `price` in quote currency, `size` in base units. `buy`: the taker bought.
    """

    stream: str
    number: int
    trade_id: str
    event_time: int
    price: float
    size: float
    buy: bool

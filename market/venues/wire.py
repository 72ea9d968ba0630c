"""What the wire shapes of all venues share: bounded numbers, kinds of channel, normalised trades, three outcomes."""

from enum import Enum, auto
from typing import Annotated, NamedTuple

from msgspec import Meta

# A bound at 1e15 keeps NaN, infinities and garbage exponents out, and leaves room for every price and size there is.
Price = Annotated[float, Meta(gt=0, lt=1e15)]
Size = Annotated[float, Meta(ge=0, lt=1e15)]
Traded = Annotated[float, Meta(gt=0, lt=1e15)]
Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Millis = Annotated[int, Meta(ge=0, lt=2**53)]


class Kind(Enum):
    """What a channel carries."""

    BOOK = auto()
    SNAPSHOT = auto()
    TRADES = auto()
    IGNORED = auto()


class Step(Enum):
    """What a sequence rule says of an update."""

    APPLY = auto()
    SKIP = auto()
    GAP = auto()


APPLY, SKIP, GAP = Step  # an enum's member costs more to look up than an update's step to decide


class Print(NamedTuple):
    """One trade as any venue tells it. `number` counts up within `space` (ids of different streams do not compare)."""

    space: str
    number: int
    trade_id: str
    event_time: int
    price: float
    size: float
    buy: bool

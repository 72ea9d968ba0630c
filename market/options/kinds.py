"""Values of the text fields of the options records, and settings of their computation. Imports no numpy."""

from enum import Enum
from typing import Literal, NamedTuple, TypeAlias

ForwardSource: TypeAlias = Literal["published", "parity"]
PriceSource: TypeAlias = Literal["mid", "mark"]

STALE_AFTER_MS = 30_000


class BuildUp(str, Enum):
    """Premium up and open interest up: `LONG`; down, up: `SHORT`; up, down: `COVERING`; down, down: `UNWINDING`.

    `NEUTRAL`: either change is within the neutral band. The classes are of the option itself: a short build-up of calls
    is bearish on the underlying, one of puts bullish.
    """

    LONG = "long_build_up"
    SHORT = "short_build_up"
    COVERING = "short_covering"
    UNWINDING = "long_unwinding"
    NEUTRAL = "neutral"


class NeutralBand(NamedTuple):
    """Relative changes up to these are noise; the class is then neutral."""

    price: float = 0.005
    open_interest: float = 0.001

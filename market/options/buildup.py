"""Open-interest build-up: what a change of price and of open interest together say of positions."""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from market.options.black import Floats
from market.options.model import Model


class BuildUp(str, Enum):
    """Classes of analytics.md §5.5; bearish or bullish depends on call or put."""

    LONG = "long_build_up"
    SHORT = "short_build_up"
    COVERING = "short_covering"
    UNWINDING = "long_unwinding"
    NEUTRAL = "neutral"


class Band(NamedTuple):
    """Relative changes up to these are noise: the class is then neutral."""

    price: float = 0.005
    open_interest: float = 0.001


_UNKNOWN = (float("nan"), float("nan"))
_CLASSES = np.array(
    [None, BuildUp.NEUTRAL, BuildUp.LONG, BuildUp.SHORT, BuildUp.COVERING, BuildUp.UNWINDING], dtype=object
)


def build_up(then: tuple[Floats, Floats], now: tuple[Floats, Floats], band: Band) -> list[BuildUp | None]:
    """The class of each option from (premium, open interest) then and now, arrays of one shape.

    The premium is in the quote currency, or a move of the coin alone would flip the class. None where one of the four
    is missing: on the first sample, and after the expiry.
    """
    (price_then, held_then), (price_now, held_now) = then, now
    unknown = np.isnan(price_then + price_now + held_then + held_now)
    price, held = price_now - price_then, held_now - held_then
    still = (np.abs(price) <= band.price * price_then) | (np.abs(held) <= band.open_interest * held_then)
    code = np.where(price > 0, np.where(held > 0, 2, 4), np.where(held > 0, 3, 5))
    found: list[BuildUp | None] = _CLASSES[np.where(unknown, 0, np.where(still, 1, code))].tolist()
    return found


class Sample(Struct, array_like=True, gc=False):
    """(premium, open interest) of options by name at `time` (epoch ms), the first of a window; NaN where unknown."""

    time: int
    then: dict[str, tuple[float, float]]


class BuildUpWindow:
    """Classes of a chain's options against the first sample of the present window of event time.

    Windows are `length_ms` long and start at multiples of it. The first sample of a window is still compared with the
    beginning of the one before, so that every change belongs to one window. A sample of the same time as the present
    one takes its place: a second may be said again.
    """

    def __init__(self, length_ms: int, band: Band) -> None:
        self._length_ms = length_ms
        self._band = band
        self._changed = False
        self._before = self._sample = Sample(-1, {})

    def classify(self, model: Model) -> list[BuildUp | None]:
        """The class of each option of the model, shape (n,)."""
        names = [instrument.name for instrument in model.view.layout.instruments]
        premium, held = model.premium[:-1], model.view.quotes.open_interest[:-1]
        time = model.view.time
        if time == self._sample.time or time // self._length_ms > self._sample.time // self._length_ms:
            pairs = zip(premium.tolist(), held.tolist(), strict=True)
            self.load([Sample(time, dict(zip(names, pairs, strict=True)))])
            self._changed = True
        base = self._before if time == self._sample.time else self._sample
        then = np.array([base.then.get(name, _UNKNOWN) for name in names]).reshape(-1, 2)
        return build_up((then[:, 0], then[:, 1]), (premium, held), self._band)

    def take_change(self) -> list[Sample]:
        """The present sample, if it is another one than at the last call."""
        changed, self._changed = self._changed, False
        return [self._sample] if changed else []

    def stored(self) -> list[Sample]:
        """All there is to keep, in the order in which `load` takes it."""
        return [self._before, self._sample]

    def load(self, samples: Iterable[Sample]) -> None:
        """Takes up samples, the oldest first."""
        for sample in samples:
            if sample.time != self._sample.time:
                self._before = self._sample
            self._sample = sample

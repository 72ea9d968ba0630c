"""Open-interest build-up: class of a position change, from the changes of premium and of open interest together."""

from collections.abc import Iterable

import numpy as np
from msgspec import Struct

from market.options.black76 import Floats
from market.options.kinds import BuildUp, NeutralBand
from market.options.priced_chain import PricedChain

_UNKNOWN = (float("nan"), float("nan"))
_CLASSES = np.array(
    [None, BuildUp.NEUTRAL, BuildUp.LONG, BuildUp.SHORT, BuildUp.COVERING, BuildUp.UNWINDING], dtype=object
)


def classify_build_up(
    base: tuple[Floats, Floats], current: tuple[Floats, Floats], band: NeutralBand
) -> list[BuildUp | None]:
    """Class of each option from (premium, open interest) at the base and now, arrays of one shape.

    The premium is in the quote currency: in coin, a move of the underlying alone would change the class. None where one
    of the four values is missing, as on the first sample and after the expiry.
    """
    (base_price, base_interest), (price, interest) = base, current
    unknown = np.isnan(base_price + price + base_interest + interest)
    price_change, interest_change = price - base_price, interest - base_interest
    neutral = (np.abs(price_change) <= band.price * base_price) | (
        np.abs(interest_change) <= band.open_interest * base_interest
    )
    code = np.where(price_change > 0, np.where(interest_change > 0, 2, 4), np.where(interest_change > 0, 3, 5))
    classes: list[BuildUp | None] = _CLASSES[np.where(unknown, 0, np.where(neutral, 1, code))].tolist()
    return classes


class Sample(Struct, array_like=True, gc=False):
    """First sample of a window, at `time` (epoch ms). `values`: (premium, open interest) by option name; NaN: none."""

    time: int
    values: dict[str, tuple[float, float]]


class BuildUpWindow:
    """Classes of a chain's options against the first sample of the current window of event time.

    Windows are `length_ms` long and start at multiples of it. The first sample of a window is itself compared with the
    first sample of the previous window, so that every change belongs to one window. A sample with the time of the
    current one replaces it, because a second may be emitted again.
    """

    def __init__(self, length_ms: int, band: NeutralBand) -> None:
        self._length_ms = length_ms
        self._band = band
        self._changed = False
        self._previous = self._current = Sample(-1, {})

    def classify(self, priced: PricedChain) -> list[BuildUp | None]:
        """Class of each option of a priced chain, shape (n,)."""
        names = [instrument.name for instrument in priced.view.layout.instruments]
        premium, open_interest = priced.premium[:-1], priced.view.quotes.open_interest[:-1]
        time = priced.view.time
        if time == self._current.time or time // self._length_ms > self._current.time // self._length_ms:
            pairs = zip(premium.tolist(), open_interest.tolist(), strict=True)
            self.load([Sample(time, dict(zip(names, pairs, strict=True)))])
            self._changed = True
        sample = self._previous if time == self._current.time else self._current
        base = np.array([sample.values.get(name, _UNKNOWN) for name in names]).reshape(-1, 2)
        return classify_build_up((base[:, 0], base[:, 1]), (premium, open_interest), self._band)

    def take_changes(self) -> list[Sample]:
        """The current sample if it changed since the last call, otherwise an empty list."""
        changed, self._changed = self._changed, False
        return [self._current] if changed else []

    def samples(self) -> list[Sample]:
        """All samples of the window, in the order that `load` expects."""
        return [self._previous, self._current]

    def load(self, samples: Iterable[Sample]) -> None:
        """Restore samples, the oldest first."""
        for sample in samples:
            if sample.time != self._current.time:
                self._previous = self._current
            self._current = sample

"""The last half hour: the delivery price is an average over it, so that exposure runs out while it is being taken."""

import numpy as np

from market.options.black import DAYS_PER_YEAR, Floats

WINDOW_YEARS = 30 / (DAYS_PER_YEAR * 24 * 60)


def share_left(years: Floats) -> Floats:
    """Share of the delivery price that is not settled yet: 1 until 07:30 UTC of a Deribit expiry, 0 from 08:00 on."""
    return np.clip(years / WINDOW_YEARS, 0, 1)


def net_delta(delta: Floats, mark: Floats, left: Floats) -> Floats:
    """Net transaction delta of an inverse option: its delta, decayed, less the coin that its mark is worth, decayed."""
    return delta - mark * left

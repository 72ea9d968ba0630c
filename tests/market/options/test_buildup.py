"""Build-up classes (S7) and the window that they refer to."""

import numpy as np
import pytest

from market.options.buildup import BuildUpWindow, classify_build_up
from market.options.chain import Chain
from market.options.kinds import BuildUp, NeutralBand
from tests.market.options.builders import NOW, ONE_MINUTE_LATER, priced_view, quote
from venues.deribit import OPTION_FEED

BAND = NeutralBand(price=0.01, open_interest=0.01)
MINUTE_MS = 60_000
CALL = "BTC-27NOV26-70000-C"


@pytest.mark.parametrize(
    ("price", "open_interest", "expected"),
    [
        (1.2, 120, BuildUp.LONG),
        (0.8, 120, BuildUp.SHORT),
        (1.2, 80, BuildUp.COVERING),
        (0.8, 80, BuildUp.UNWINDING),
        (1.005, 120, BuildUp.NEUTRAL),
        (1.2, 100.5, BuildUp.NEUTRAL),
        (1.0, 100, BuildUp.NEUTRAL),
        (np.nan, 120, None),
        (1.2, np.nan, None),
    ],
)
def test_classes_follow_from_both_changes(price, open_interest, expected):
    base = (np.array([1.0]), np.array([100.0]))
    assert classify_build_up(base, (np.array([price]), np.array([open_interest])), BAND) == [expected]


def test_open_interest_that_starts_at_zero_is_not_neutral():
    base, current = (np.array([1.0]), np.array([0.0])), (np.array([0.5]), np.array([0.1]))
    assert classify_build_up(base, current, BAND) == [BuildUp.SHORT]


def sample(
    window: BuildUpWindow, time: int, mark: float, open_interest: float, forward: float = 70_000.0
) -> BuildUp | None:
    chain = Chain("BTC", OPTION_FEED)
    chain.apply(quote(CALL, time, mark=mark, open_interest=open_interest, underlying=forward, is_forward=1.0))
    (found,) = window.classify(priced_view(chain, time))
    return found


def test_the_first_sample_has_no_class():
    assert sample(BuildUpWindow(MINUTE_MS, BAND), NOW, 0.1, 5) is None


def test_changes_refer_to_the_first_sample_of_the_window():
    window = BuildUpWindow(MINUTE_MS, BAND)
    sample(window, NOW, 0.10, 5)
    assert sample(window, NOW + 1000, 0.11, 6) is BuildUp.LONG
    assert sample(window, NOW + 2000, 0.10, 6) is BuildUp.NEUTRAL
    assert sample(window, ONE_MINUTE_LATER, 0.12, 7) is BuildUp.LONG
    assert sample(window, ONE_MINUTE_LATER + 1000, 0.12, 6) is BuildUp.NEUTRAL


def test_a_move_of_the_underlying_alone_does_not_change_the_class():
    """The premium falls in coin and rises in dollars."""
    window = BuildUpWindow(MINUTE_MS, BAND)
    sample(window, NOW, 0.100, 5, forward=70_000)
    assert sample(window, NOW + 1000, 0.099, 6, forward=75_000) is BuildUp.LONG

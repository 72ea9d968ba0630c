"""Build-up classes (S7) and the window they are taken over."""

import numpy as np
import pytest

from market.options.buildup import Band, BuildUp, BuildUpWindow, build_up
from market.options.chain import Chain
from tests.market.options.builders import NOW, ONE_MINUTE_LATER, model_of, quote

BAND = Band(price=0.01, open_interest=0.01)
MINUTE_MS = 60_000
CALL = "BTC-27NOV26-70000-C"


@pytest.mark.parametrize(
    ("price", "held", "expected"),
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
def test_classes(price, held, expected):
    then = (np.array([1.0]), np.array([100.0]))
    assert build_up(then, (np.array([price]), np.array([held])), BAND) == [expected]


def test_interest_from_nothing_is_no_noise():
    then, now = (np.array([1.0]), np.array([0.0])), (np.array([0.5]), np.array([0.1]))
    assert build_up(then, now, BAND) == [BuildUp.SHORT]


def sample(window: BuildUpWindow, time: int, mark: float, held: float, forward: float = 70_000.0) -> BuildUp | None:
    chain = Chain("BTC")
    chain.apply(quote(CALL, time, mark=mark, open_interest=held, underlying=forward, is_forward=1.0))
    (found,) = window.classify(model_of(chain, time))
    return found


def test_the_first_sample_has_no_class():
    assert sample(BuildUpWindow(MINUTE_MS, BAND), NOW, 0.1, 5) is None


def test_changes_count_from_the_beginning_of_the_window():
    window = BuildUpWindow(MINUTE_MS, BAND)
    sample(window, NOW, 0.10, 5)
    assert sample(window, NOW + 1000, 0.11, 6) is BuildUp.LONG
    assert sample(window, NOW + 2000, 0.10, 6) is BuildUp.NEUTRAL
    assert sample(window, ONE_MINUTE_LATER, 0.12, 7) is BuildUp.LONG
    assert sample(window, ONE_MINUTE_LATER + 1000, 0.12, 6) is BuildUp.NEUTRAL


def test_a_move_of_the_coin_alone_does_not_flip_the_class():
    """Fewer coins, but more dollars."""
    window = BuildUpWindow(MINUTE_MS, BAND)
    sample(window, NOW, 0.100, 5, forward=70_000)
    assert sample(window, NOW + 1000, 0.099, 6, forward=75_000) is BuildUp.LONG

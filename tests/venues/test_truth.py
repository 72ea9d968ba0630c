"""Truth: a published top of book equals the exchange's, or a status within STALE_AFTER_S marks the book as out of sync.

For any sequence of valid frames with arbitrary resets, repeats, losses, reorders and reconnects, at every venue.
"""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.market.orderbook.builders import SYMBOLS
from tests.venues.venue_model import SECOND, STALE_AFTER_S, Delivery, VenueModel

FIRST_ID = 10_000_000
CONTINUES = 20_000  # ids nearer than this to the newest one may happen to continue the chain
DELIVERED = Delivery()
places = st.integers(0, 1)
fates = st.one_of(
    st.just(DELIVERED),
    st.just(DELIVERED),
    st.builds(Delivery, copies=st.integers(0, 3), later=st.integers(0, 6)),
)
pauses = st.one_of(st.sampled_from([0.05, 0.1, 0.5]), st.floats(0.001, 90))
steps = st.tuples(st.just("step"), pauses, fates, fates)
runs = st.tuples(st.just("run"), st.sampled_from([0.05, 0.1, 0.5, 2, 20]), st.integers(1, 60))
faults = st.one_of(
    st.tuples(st.just("reset"), st.integers(1_000, 10**12)),
    st.tuples(st.just("reconnect"), places),
    st.tuples(st.just("kill"), places),
    st.tuples(st.just("cut"), places, st.integers(1, 60)),
    st.tuples(st.just("snapshot"), places),
    st.tuples(st.just("quiet"), st.floats(1, 120)),
)


def play(model: VenueModel, action: tuple) -> None:
    match action:
        case ("step", seconds, first, second):
            model.step(seconds, (first, second))
        case ("run", seconds, count):
            for _ in range(count):
                model.step(seconds, (DELIVERED, DELIVERED))
        case ("reset", first_id):
            assume(abs(first_id - model.newest_id) > CONTINUES)
            model.begin_epoch(first_id)
        case ("reconnect", place):
            model.event(place, "disconnected")
            model.connect(place)
        case ("kill", place):
            model.connect(place)
        case ("cut", place, count):  # one connection is silent
            fates = [DELIVERED, DELIVERED]
            fates[place] = Delivery(0)
            for _ in range(count):
                model.step(0.5, (fates[0], fates[1]))
        case ("snapshot", place):
            model.snapshot(place)
        case ("quiet", seconds):
            model.pass_time(seconds)


@pytest.mark.parametrize("venue", SYMBOLS)
@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(steps, steps, runs, faults), min_size=1, max_size=25))
def test_a_book_in_sync_is_the_exchange_s_or_says_so_in_time(venue: str, actions: list[tuple]) -> None:
    model = VenueModel(venue, FIRST_ID)
    for action in [("run", 0.5, 6), *actions, ("quiet", 2 * STALE_AFTER_S)]:
        play(model, action)
        assert model.longest_wrong_us <= STALE_AFTER_S * SECOND


def test_a_record_from_just_before_another_market_began_is_right_at_its_time() -> None:
    """A dead standby has the last frame of the old market, whose time is that at which the new one began."""
    model = VenueModel("kraken", FIRST_ID)
    for action in [("run", 0.5, 6), ("reconnect", 0), ("run", 0.05, 1), ("cut", 1, 1)]:
        play(model, action)
    model.begin_epoch(1000)
    for action in [("kill", 0), ("run", 0.05, 1), ("quiet", 60)]:
        play(model, action)
    assert model.longest_wrong_us == STALE_AFTER_S * SECOND and model.state == "stale"


@pytest.mark.parametrize("venue", SYMBOLS)
@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(steps, runs, faults), min_size=1, max_size=25))
def test_after_any_faults_the_book_returns(venue: str, actions: list[tuple]) -> None:
    model = VenueModel(venue, FIRST_ID)
    for action in [("run", 0.5, 6), *actions, ("run", 0.5, 300)]:
        play(model, action)
    assert model.state == "synced" and model.wrong_since_us is None

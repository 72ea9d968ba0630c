"""The guard of the domain's speed: instructions of its functions against the baseline, or times against the floor."""

import bench.instructions
from bench.domain import GOALS, cost, generated
from bench.instructions import MACHINE, VENUES, Ratios, baseline, counted, grown, is_available, ratios

# Time beside other tests: ratios of a busy machine are up to twice as high.
TIME_SLACK = 3


def goal(venue: str) -> int:
    return GOALS[{"kraken": "kraken_20"}.get(venue, venue)]


def test_no_function_of_the_hot_path_takes_a_tenth_more_than_before() -> None:
    """With valgrind by instructions, exactly; without it by times beside each other, roughly and as a whole."""
    if is_available():
        now = counted()
        limits, found = baseline().get(MACHINE, {}), {venue: now[venue]["hot path"] for venue in VENUES}
        assert grown(now, limits) == []
    else:
        found = {venue: cost([generated(venue, 20, frames=400)], passes=5).ratio / TIME_SLACK for venue in VENUES}
    assert {venue: ratio for venue, ratio in found.items() if ratio > goal(venue)} == {}


def test_the_baseline_names_every_function_of_every_venue() -> None:
    part = dict.fromkeys(bench.instructions.SECTIONS, 100)
    for machine, venues in baseline().items():
        assert tuple(venues) == VENUES, machine
        assert all(functions.keys() == ratios(part).keys() for functions in venues.values()), machine
    assert baseline()


def test_a_function_that_grew_is_named_with_its_venue() -> None:
    before: Ratios = {"kraken": {"measure": 2.0, "decode_book": 1.0, "hot path": 3.0}}
    now: Ratios = {"kraken": {"measure": 2.3, "decode_book": 1.09, "hot path": 9.0}}
    assert grown(now, before) == ["kraken measure: +15%, 2.3 against 2.0"]
    assert grown(before, before) == []


def test_ratios_split_a_frame_into_its_functions() -> None:
    names = bench.instructions.SECTIONS
    part = dict(zip(names, (0, 100, 10, 80, 30, 150, 20, 10, 230, 40, 5), strict=True))
    assert ratios(part) == {
        "hot path": 2.7,
        "decode_book": 0.8,
        "BookSync.on_message": 4.0,
        "BookSide.apply": 3.0,
        "side_metrics": 2.0,
        "measure": 5.0,
        "RecordWriter.finish_batch": 4.0,
        "BookBuilder.journal": 0.5,
    }

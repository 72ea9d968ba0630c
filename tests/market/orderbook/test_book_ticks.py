"""Ticks of a book against a naive model, and against themselves in other batches, after restores, and with timers."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.records import Processed
from ingestion.rebuild import Rebuild
from ingestion.recordings import Recording
from market.orderbook.book_config import BookConfig
from market.orderbook.book_ticks import BookTicks
from market.orderbook.tick_state import StateChange
from tests.market.orderbook import tick_model
from tests.market.orderbook.tick_model import Event
from tests.market.orderbook.tick_streams import (
    OPEN,
    change,
    feed,
    in_batches,
    new_ticks,
    streams,
    ticks_of,
    update,
    whole,
    windows_of,
    with_timers,
)
from tests.recorded_frames import recorded_path

SUMS = ["updates", "imbalance_sum", "imbalance_count", "weighted_imbalance_sum", "spread_bps_sum", "bid_depth_sum"]


def assert_equal_to_model(events: Sequence[Event], lines: Sequence[bytes]) -> None:
    expected = tick_model.ticks(events)
    found = pd.DataFrame([msgspec.to_builtins(tick) for tick in ticks_of(lines)])
    assert len(found) == len(expected)
    for name in expected.columns if len(expected) else ():
        if expected[name].dtype == object:
            assert list(found[name]) == list(expected[name]), name
        else:
            np.testing.assert_allclose(
                found[name].astype(float), expected[name].astype(float), 1e-9, 1e-9, err_msg=name
            )


@given(events=streams() | streams(300) | streams(100_000))
@settings(max_examples=25, deadline=None)
def test_ticks_equal_a_naive_computation_over_their_updates(events: list[Event]) -> None:
    assert_equal_to_model(events, whole(events)[0])


@pytest.mark.parametrize("path", sorted(recorded_path("fixtures/").glob("*/*.jsonl")), ids=lambda path: str(path)[-30:])
def test_ticks_of_recorded_frames_equal_a_naive_computation(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: dict[BookTicks, list[Event]] = {}
    apply = BookTicks.apply

    def recording(ticks: BookTicks, rows: Sequence[Processed], states: Sequence[StateChange]) -> None:
        places = sorted([*((state.place, 0, state) for state in states), *((n, 1, row) for n, row in enumerate(rows))])
        events.setdefault(ticks, []).extend(event for _, _, event in places)
        apply(ticks, rows, states)

    monkeypatch.setattr(BookTicks, "apply", recording)
    list(Rebuild(BookConfig()).records(Recording(path)))
    assert events
    for each in list(events.values()):
        assert_equal_to_model(each[:1500], whole(each[:1500])[0])


@given(events=streams(longest_gap=200_000), size=st.sampled_from([1, 7]), restore=st.booleans(), full=st.booleans())
@settings(max_examples=100, deadline=None)
def test_batches_of_any_size_and_restores_give_identical_ticks_and_windows(
    events: list[Event], size: int, restore: bool, full: bool
) -> None:
    assert in_batches(events, size, restore, full) == whole(events)


@given(events=streams(jitter=False), delay=st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_timers_change_no_content_while_nothing_is_late(events: list[Event], delay: int) -> None:
    (published, windows), (expected, expected_windows) = with_timers(events, [delay] * len(events)), whole(events)
    if not sum(tick.late for tick in ticks_of(published)):
        assert published[: len(expected)] == expected
        assert windows[: len(expected_windows)] == expected_windows


@given(events=streams(), delays=st.lists(st.integers(0, 5_000), min_size=60, max_size=60))
@settings(max_examples=100, deadline=None)
def test_no_update_is_lost_or_doubled_however_late_it_is(events: list[Event], delays: list[int]) -> None:
    end = [change(OPEN + 10**7, "synced")]  # publishes everything
    events = events + end
    found = pd.DataFrame(map(msgspec.to_builtins, ticks_of(with_timers(events, [*delays[: len(events) - 1], 0])[0])))
    expected = pd.DataFrame(map(msgspec.to_builtins, ticks_of(whole(events)[0])))
    np.testing.assert_allclose(found[SUMS].sum(), expected[SUMS].sum(), 1e-9, 1e-9)
    assert list(found["seq"]) == list(range(len(found)))
    assert (found["start"].iloc[1:].to_numpy() == found["end"].iloc[:-1].to_numpy()).all()


def test_a_change_of_state_ends_the_tick_and_has_one_of_its_own() -> None:
    lines, _ = whole(
        [update(OPEN), update(OPEN + 20), change(OPEN + 50, "gap", "sequence"), change(OPEN + 350, "synced")]
    )
    first, lost, before, back = ticks_of(lines)
    assert (first.start, first.end, first.updates, first.state) == (OPEN, OPEN + 50, 2, "synced")
    assert (lost.start, lost.end, lost.updates, lost.state, lost.reason) == (OPEN + 50, OPEN + 50, 0, "gap", "sequence")
    assert (before.end, before.state, before.out_of_sync_ms, before.valid_ms) == (OPEN + 350, "gap", 300, 0)
    assert (back.end, back.state, back.update_id) == (OPEN + 350, "synced", OPEN + 20)


def test_heartbeats_follow_each_second_until_a_quiet_book_is_stale() -> None:
    ticks = ticks_of(whole([update(OPEN), update(OPEN + 3_600_000), update(OPEN + 3_600_100)])[0])
    assert [tick.end - OPEN for tick in ticks] == [100 + 1000 * k for k in range(31)] + [3_600_100]
    assert [tick.event_time for tick in ticks[1:-1]] == [tick.end for tick in ticks[1:-1]]
    assert ticks[-1].valid_ms == 3_600_100 - 30_100


def test_a_record_older_by_more_than_stale_after_sets_the_clock_back() -> None:
    lines, windows = whole([update(OPEN + 60_000), update(OPEN + 29_000), update(OPEN + 30_000)])
    assert [(tick.seq, tick.start - OPEN, tick.late) for tick in ticks_of(lines)] == [
        (0, 60_000, 0),
        (1, 29_000, 0),
    ]
    seconds = [(window.window_start - OPEN, window.updates) for window in windows_of(windows) if window.size == "1s"]
    assert seconds == [(60_000, 1), (29_000, 1)]


def test_late_updates_count_in_the_open_tick_and_its_memory_is_bounded() -> None:
    ticks = new_ticks()
    feed(ticks, [update(OPEN + 10_000), update(OPEN + 10_100), *[update(OPEN + 9_000)] * 25_000, update(OPEN + 20_000)])
    late = [(tick.start - OPEN, tick.updates, tick.late) for tick in ticks_of(ticks.lines) if tick.late]
    assert late == [(10_100, 10_001, 10_000), (10_200, 10_000, 10_000), (10_300, 5_000, 5_000)]


def test_the_last_record_of_a_second_is_in_its_window() -> None:
    _, windows = whole([update(OPEN), update(OPEN + 700), update(OPEN + 2_100), update(OPEN + 3_100)])
    last = {w.window_start - OPEN: w.last and w.last.event_time - OPEN for w in windows_of(windows) if w.size == "1s"}
    assert last == {0: 700, 2_000: 2_100}

"""Grid and pace of the timers of an operator, with a simulated operator that fires due timers before it reads."""

from heapq import heappop, heappush

import pytest

from jobs.key_timing import LARGEST_SHARE, LONGEST_STRETCH, KeyTiming, TimerPace

EVERY_MS = 500


@pytest.mark.parametrize(("busy_polls", "step_ms"), [(0, 500), (1, 500), (2, 1000)])
def test_the_timers_of_a_key_are_on_its_grid(busy_polls: int, step_ms: int) -> None:
    timing, times = KeyTiming(busy_polls=busy_polls), [1_000_000]
    for _ in range(5):
        times.append(timing.next_poll("binance:BTCUSDT", times[-1], EVERY_MS, 1.0))
    assert [after - before for before, after in zip(times[1:], times[2:], strict=False)] == [step_ms] * 4
    assert 0 < times[1] - times[0] <= step_ms
    assert timing.next_poll("binance:BTCUSDT", times[1] - 1, EVERY_MS, 1.0) - times[1] in (0, step_ms - 500)


def test_a_key_has_no_timer_before_something_is_due() -> None:
    timing = KeyTiming()
    first = timing.next_poll("k", 1_000_000, EVERY_MS, 1.0)
    timing.due = first + 1_000
    assert timing.next_poll("k", first, EVERY_MS, 1.0) == first + 1_000


def test_the_timers_of_many_keys_are_spread_over_the_grid() -> None:
    times = [KeyTiming().next_poll(f"binance:COIN{number}", 1_000_000, EVERY_MS, 1.0) for number in range(5_000)]
    assert max(times.count(time) for time in range(1_000_001, 1_000_501)) < 40  # 10 on average
    assert all(1_000_000 < time <= 1_000_500 for time in times)


def share_of_timers(keys: int, poll_ms: float, until_s: int, pace: TimerPace) -> list[float]:
    """Share of the timers in each second of an operator that has records at any time, and this number of quiet keys."""
    now, timers, busy, shares = 0.0, list[tuple[int, int]](), 0.0, list[float]()
    for number in range(keys):
        heappush(timers, (KeyTiming().next_poll(str(number), 0, EVERY_MS, 1.0), number))
    while len(shares) < until_s:
        if timers and timers[0][0] <= now:
            number, began = heappop(timers)[1], now
            heappush(timers, (KeyTiming().next_poll(str(number), int(now), EVERY_MS, pace.stretch), number))
            now += poll_ms
            busy += poll_ms
            pace.add(began / 1000, now / 1000)
        else:
            now += 1.0  # of a record
        if now >= 1000 * (len(shares) + 1):
            shares.append(busy / 1000)
            busy = 0.0
    return shares


@pytest.mark.parametrize("keys", [500, 2_000, 5_000])
def test_timers_of_too_many_keys_leave_time_for_records(keys: int) -> None:
    """With a poll of 0.4 ms twice a second they would take 0.4 to 4 times the whole time."""
    pace = TimerPace(0.0)
    settled = share_of_timers(keys, 0.4, 120, pace)[60:]
    mean = sum(settled) / len(settled)
    assert mean < LARGEST_SHARE + 0.1 and max(settled) < 0.9
    assert 1 <= pace.stretch < LONGEST_STRETCH and (pace.stretch == 1.0) == (keys == 500)
    assert mean > 0.3


def test_steps_are_short_again_when_fewer_keys_are_quiet() -> None:
    pace = TimerPace(0.0)
    share_of_timers(5_000, 0.4, 60, pace)
    assert pace.stretch > 4
    for second in range(60, 90):
        pace.add(second, second + 0.01)
    assert pace.stretch == 1.0

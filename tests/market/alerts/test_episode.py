"""The life of an alert, by hand and against a naive oracle over the whole list of readings."""

from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from market.alerts.episode import Change, Episode, Limits

Reading = tuple[int, float] | tuple[int, float, int]  # time, value, and until when it stands (default: the time)
LIMITS = Limits(2.0, 4.0, held_ms=0, cooldown_ms=0)


def changes(readings: Sequence[Reading], limits: Limits) -> list[Change]:
    episode, found = Episode(), []
    for time, value, *until in readings:
        found += episode.read(time, value, limits, until[0] if until else time)
        episode = msgspec.msgpack.decode(msgspec.msgpack.encode(episode), type=Episode)  # as saved state
    return found


def brief(readings: Sequence[Reading], **times: int) -> list[tuple[str, str, int]]:
    found = changes(readings, LIMITS._replace(**times))
    return [(change.phase, change.severity, change.event_time) for change in found]


def test_an_episode_enters_escalates_and_exits() -> None:
    assert changes([(1, 2.0), (2, -1.0), (3, 5.0), (4, 9.0), (5, 1.0)], LIMITS) == [
        Change("enter", "medium", 1, 1, 2.0, 2.0),
        Change("exit", "medium", 1, 2, -1.0, 2.0),
        Change("enter", "high", 3, 3, 5.0, 4.0),
        Change("exit", "high", 3, 5, 1.0, 4.0),
    ]


def test_a_value_that_oscillates_around_the_threshold_is_one_episode() -> None:
    assert brief([(1, 2.0), (2, 1.9), (3, 2.1), (4, 1.81), (5, 1.79)]) == [
        ("enter", "medium", 1),
        ("exit", "medium", 5),
    ]


def test_a_value_must_hold_on_one_side_for_each_threshold() -> None:
    readings = [(0, 2.0), (900, 2.0), (950, -2.0), (1000, 2.0), (1500, 5.0), (2000, 5.0), (2500, 5.0), (2600, 0.0)]
    expected = [("enter", "medium", 2000), ("escalate", "high", 2500), ("exit", "high", 2600)]
    assert brief(readings, held_ms=1000) == expected


def test_a_reading_that_stands_for_a_while_holds_to_its_end() -> None:
    """The moment at which the value had held is the event time, or that of the reading if it is later."""
    readings = [(0, 2.0, 100), (100, 2.0, 600), (700, 5.0, 800), (1150, 5.0, 1200), (1300, 0.0, 1400)]
    assert brief(readings, held_ms=450) == [
        ("enter", "medium", 450),
        ("escalate", "high", 1150),
        ("exit", "high", 1300),
    ]
    assert brief(readings, held_ms=450, cooldown_ms=50)[2] == ("exit", "high", 1350)


def test_occurrences_within_the_cooldown_belong_to_one_episode() -> None:
    readings = [(0, 3.0), (100, 0.0), (900, 5.0), (1000, 0.0), (1999, 0.0), (2500, -3.0), (2600, 0.0)]
    assert brief(readings, cooldown_ms=1000) == [
        ("enter", "medium", 0),
        ("escalate", "high", 900),
        ("exit", "high", 2000),
        ("enter", "medium", 2500),
    ]


def test_another_side_continues_an_episode_once_it_has_held() -> None:
    readings = [(0, 3.0), (1000, 3.0), (1100, -3.0), (2100, -3.0), (3000, 0.0), (6000, 0.0)]
    assert brief(readings, held_ms=1000, cooldown_ms=3000) == [("enter", "medium", 1000), ("exit", "medium", 6000)]
    assert brief(readings, held_ms=1000, cooldown_ms=500)[1] == ("exit", "medium", 1600)


def test_a_loss_ends_an_episode_whatever_its_cooldown() -> None:
    episode, limits = Episode(), LIMITS._replace(cooldown_ms=60_000)
    episode.read(1, 5.0, limits, 1)
    assert episode.end_now(2, limits) == [Change("exit", "high", 1, 2, 0.0, 4.0)]
    assert episode.idle and episode.end_now(3, limits) == []


def test_time_alone_ends_a_calm_episode() -> None:
    episode, limits = Episode(), LIMITS._replace(cooldown_ms=1000)
    episode.read(1, 3.0, limits, 1)
    assert episode.advance(5000, limits) == []  # not calm
    episode.read(5000, 1.0, limits, 5000)
    assert episode.advance(5999, limits) == []
    assert episode.advance(9000, limits) == [Change("exit", "medium", 1, 6000, 1.0, 2.0)]


def test_raised_thresholds_apply_from_the_next_reading_on() -> None:
    episode = Episode()
    episode.read(1, 3.0, LIMITS, 1)
    assert [change.phase for change in episode.read(2, 3.0, LIMITS._replace(medium=9.0), 2)] == ["exit"]


def sign(value: float) -> int:
    return (value > 0) - (value < 0)


def naive(readings: Sequence[tuple[int, float, int]], limits: Limits) -> list[Change]:
    """The same from its definition: each question is answered from all readings so far."""

    def since(last: int, threshold: float) -> int:
        """Time since which the value is at the threshold, on the side of the last reading; infinite if it is not."""
        first = last
        while (
            first >= 0 and abs(readings[first][1]) >= threshold and sign(readings[first][1]) == sign(readings[last][1])
        ):
            first -= 1
        return readings[first + 1][0] if first < last else FAR

    def lasted(last: int, threshold: float) -> bool:
        return readings[last][2] - since(last, threshold) >= limits.held_ms

    def end(last: int, now: int) -> list[Change]:
        """The exit, if all readings up to `last` have been calm for the cooldown by `now`."""
        first = last
        while first >= began and calm[first]:
            first -= 1
        if first == last or now < readings[first + 1][0] + limits.cooldown_ms:
            return []
        return [change("exit", readings[first + 1][0] + limits.cooldown_ms, readings[last][1])]

    def change(phase: str, time: int, value: float) -> Change:
        severity, threshold = ("high", limits.high) if was_high else ("medium", limits.medium)
        return Change(phase, severity, episode, time, value, threshold)

    found: list[Change] = []
    calm: list[bool] = []
    began, episode, side, was_high = -1, 0, 0, False
    for index, (time, value, until) in enumerate(readings):
        if began >= 0 and (ended := end(index - 1, time)):
            found += ended
            began, was_high = -1, False
        occurs = lasted(index, limits.medium)
        side = sign(value) if occurs else side
        calm.append(not occurs and (abs(value) < 0.9 * limits.medium or sign(value) != side))
        if occurs and began < 0:
            began, was_high = index, lasted(index, limits.high)
            episode = max(time, since(index, limits.medium) + limits.held_ms)
            found.append(change("enter", episode, value))
        elif occurs and not was_high and lasted(index, limits.high):
            was_high = True
            found.append(change("escalate", max(time, since(index, limits.high) + limits.held_ms), value))
        if began >= 0 and (ended := end(index, until)):
            found += ended
            began, was_high = -1, False
    return found


FAR = 1 << 62
VALUES = st.sampled_from([0.0, 1.0, 1.7, 1.8, 1.9, 2.0, 3.0, 4.0, 9.0, -1.0, -1.9, -2.0, -4.0])
STEPS = st.lists(st.tuples(st.sampled_from([0, 1, 2, 5, 30]), VALUES, st.sampled_from([0, 1, 6])), max_size=60)


@given(STEPS, st.sampled_from([0, 1, 4, 20]), st.sampled_from([0, 1, 4, 20]))
def test_changes_equal_those_of_the_naive_definition(
    steps: list[tuple[int, float, int]], held_ms: int, cooldown_ms: int
) -> None:
    readings, now = [], 1_000
    for gap, value, length in steps:
        readings.append((now + gap, value, now + gap + length))
        now += gap + length
    limits = LIMITS._replace(held_ms=held_ms, cooldown_ms=cooldown_ms)
    assert changes(readings, limits) == naive(readings, limits)

"""Lifecycle of an alert: the state of one rule on one book, from reading to reading.

An episode begins (`enter`) when the value has been at the medium threshold or above it, on one side, for `held_ms`. It
becomes high (`escalate`) once, after the same time at the high threshold. It ends (`exit`) after `cooldown_ms` in which
the value was calm: below 0.9 times medium, or on the other side. All times are event times of the readings, epoch ms.
"""

from typing import NamedTuple

from msgspec import Struct

CALM = 0.9  # share of the medium threshold below which a value is calm


class Limits(NamedTuple):
    """Thresholds of the value's size, and the times that apply to them."""

    medium: float
    high: float
    held_ms: int
    cooldown_ms: int


class Change(NamedTuple):
    """One change of an alert. `episode`: time of its `enter`; `threshold`: the one of the severity."""

    phase: str
    severity: str
    episode: int
    event_time: int
    value: float
    threshold: float


class Episode(Struct, array_like=True, gc=False):
    """State of one rule on one book; no episode while `began` is None.

    `pending_side`: sign of the value since `medium_since`, the time since which it has been at the medium threshold;
    `high_since`, the same for the high one. `side`: sign of the episode. `calm_since`: time since which an episode has
    been calm. `value`: the newest reading.
    """

    pending_side: int = 0
    medium_since: int | None = None
    high_since: int | None = None
    began: int | None = None
    side: int = 0
    was_high: bool = False
    calm_since: int | None = None
    value: float = 0.0

    @property
    def idle(self) -> bool:
        """No episode, and none pending: the same as a new state."""
        return self.began is None and self.medium_since is None

    def read(self, time: int, value: float, limits: Limits, until: int) -> list[Change]:
        """Apply a reading that stands from `time` to `until`. Times must not decrease."""
        changes = self.advance(time, limits)
        self._measure(time, value, limits)
        if _lasted(self.medium_since, until, limits):
            changes += self._occur(time, until, limits)
        elif self.began is not None:
            self.calm_since = (self.calm_since or time) if self._is_calm(limits) else None
        return changes + self.advance(until, limits)

    def advance(self, time: int, limits: Limits) -> list[Change]:
        """End the episode if it has been calm for the cooldown by this time."""
        if self.calm_since is None or time < self.calm_since + limits.cooldown_ms:
            return []
        return self._end(self.calm_since + limits.cooldown_ms, limits)

    def end_now(self, time: int, limits: Limits) -> list[Change]:
        """End the episode at once, with the value 0: what it rests on is lost."""
        self.medium_since = self.high_since = None
        self.value = 0.0
        return [] if self.began is None else self._end(time, limits)

    def _measure(self, time: int, value: float, limits: Limits) -> None:
        size, side = abs(value), _sign(value)
        self.value = value
        if size < limits.medium:
            self.medium_since = self.high_since = None
            return
        if self.medium_since is None or side != self.pending_side:
            self.pending_side, self.medium_since, self.high_since = side, time, None
        if size < limits.high:
            self.high_since = None
        elif self.high_since is None:
            self.high_since = time

    def _occur(self, time: int, until: int, limits: Limits) -> list[Change]:
        """Begin or escalate the episode, at the moment at which the value had held, or with the reading itself."""
        assert self.medium_since is not None
        self.side, self.calm_since = self.pending_side, None
        high = _lasted(self.high_since, until, limits)
        if self.began is None:
            self.began, self.was_high = max(time, self.medium_since + limits.held_ms), high
            return [self._change("enter", self.began, limits)]
        if high and not self.was_high and self.high_since is not None:
            self.was_high = True
            return [self._change("escalate", max(time, self.high_since + limits.held_ms), limits)]
        return []

    def _is_calm(self, limits: Limits) -> bool:
        return abs(self.value) < CALM * limits.medium or _sign(self.value) != self.side

    def _end(self, time: int, limits: Limits) -> list[Change]:
        change = self._change("exit", time, limits)
        self.began = self.calm_since = None
        self.side, self.was_high = 0, False
        return [change]

    def _change(self, phase: str, time: int, limits: Limits) -> Change:
        assert self.began is not None
        severity, threshold = ("high", limits.high) if self.was_high else ("medium", limits.medium)
        return Change(phase, severity, self.began, time, self.value, threshold)


def _lasted(since: int | None, time: int, limits: Limits) -> bool:
    return since is not None and time - since >= limits.held_ms


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)

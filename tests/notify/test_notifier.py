"""The loop with a real receiver list and an injected clock: delivery before commit, back-off, repeats, stop."""

from collections.abc import Sequence

import msgspec

from core.records import Alert
from notify.episodes import AlertFilter, Change, Episodes
from notify.notifier import REPEAT_MS, Notifier
from notify.receiver import Receiver, Unavailable
from notify.source import POLL_MS, Read
from tests.notify.builders import NOON_MS, alert

ENTER, EXIT = alert("enter"), alert("exit")


class Clock:
    """Time that only waits and polls move. `stop_after`: number of waits before the process is to stop."""

    def __init__(self, stop_after: int = 1000) -> None:
        self.ms, self.waits, self._left = NOON_MS, list[float](), stop_after

    def __call__(self) -> int:
        return self.ms

    def wait(self, seconds: float) -> bool:
        self.ms += round(1000 * seconds)
        self.waits.append(seconds)
        self._left -= 1
        return self._left < 0


class Topic:
    """A topic of which each poll returns one prepared list, and what was committed."""

    def __init__(self, clock: Clock, *polls: Sequence[Read], caught_up: bool = True) -> None:
        self._clock, self._polls = clock, list(polls)
        self.commits, self.is_caught_up = 0, caught_up

    @property
    def left(self) -> int:
        return len(self._polls)

    def poll(self, timeout_ms: int = POLL_MS) -> Sequence[Read]:
        found = self._polls.pop(0) if self._polls else []
        self._clock.ms += 0 if found else timeout_ms
        return found

    def caught_up(self) -> bool:
        return self.is_caught_up

    def commit(self) -> None:
        self.commits += 1


class Inbox:
    """A receiver that is unavailable for the first `failures` attempts."""

    def __init__(self, failures: int = 0, repeats: bool = False, name: str = "inbox") -> None:
        self.name, self.repeats, self.failures = name, repeats, failures
        self.groups: list[list[Alert]] = []

    def send(self, changes: Sequence[Change]) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable("away")
        self.groups.append([change.alert for change in changes])


def read(value: Alert | bytes, is_new: bool = True) -> Read:
    return Read(value if isinstance(value, bytes) else msgspec.json.encode(value), NOON_MS, is_new)


def notifier(topic: Topic, clock: Clock, *receivers: Receiver) -> Notifier:
    return Notifier(topic, Episodes(AlertFilter()), receivers, 1000, clock, clock.wait)


def test_alerts_of_one_second_are_one_group_committed_after_delivery() -> None:
    clock, inbox = Clock(), Inbox()
    topic = Topic(clock, [read(ENTER)], [read(EXIT)])
    assert notifier(topic, clock, inbox).run_once()
    assert (inbox.groups, topic.commits) == ([[ENTER, EXIT]], 1)


def test_a_receiver_that_is_away_gets_its_alerts_when_it_is_back_and_others_get_them_once() -> None:
    clock, away, present = Clock(), Inbox(failures=7, name="away"), Inbox()
    topic = Topic(clock, [read(ENTER)])
    assert notifier(topic, clock, away, present).run_once()
    assert away.groups == present.groups == [[ENTER]]
    assert clock.waits == [1, 2, 4, 8, 16, 30, 30]
    assert topic.commits == 1


def test_a_receiver_that_is_away_for_a_minute_loses_nothing() -> None:
    """Alerts that arrive meanwhile are delivered afterwards, in their order, and none is committed before."""
    clock, inbox = Clock(), Inbox(failures=6)  # attempts at 0, 1, 3, 7, 15 and 31 s
    alerts = [alert(phase, symbol=f"S{n}") for n in range(20) for phase in ("enter", "exit")]
    topic = Topic(clock, *([read(each)] for each in alerts))
    running = notifier(topic, clock, inbox)
    while topic.left:
        assert running.run_once()
        assert topic.commits == len(inbox.groups)
    assert sum(clock.waits) > 60 and clock.waits.count(30) == 1
    assert [each.id for group in inbox.groups for each in group] == [each.id for each in alerts]


def test_a_stop_during_an_outage_commits_nothing() -> None:
    clock = Clock(stop_after=2)
    topic = Topic(clock, [read(ENTER)])
    notifier(topic, clock, Inbox(failures=1000)).run()
    assert (topic.commits, len(clock.waits)) == (0, 3)


def test_alerts_that_were_delivered_before_are_followed_and_not_sent() -> None:
    clock, inbox = Clock(), Inbox(repeats=True)
    topic = Topic(clock, [read(ENTER, is_new=False)], [], [read(EXIT)], caught_up=False)
    running = notifier(topic, clock, inbox)
    assert running.run_once()
    assert inbox.groups == []  # the episode may have ended in alerts that are not read yet
    topic.is_caught_up = True
    assert running.run_once()
    assert inbox.groups == [[EXIT]]


def test_open_episodes_are_sent_every_minute_to_receivers_that_forget_them() -> None:
    clock, forgets, remembers = Clock(), Inbox(repeats=True), Inbox()
    running = notifier(Topic(clock, [read(ENTER)]), clock, forgets, remembers)
    while clock.ms < NOON_MS + 2 * REPEAT_MS:
        assert running.run_once()
    assert forgets.groups == [[ENTER]] * 3  # the alert itself, at the start, and after a minute
    assert remembers.groups == [[ENTER]]


def test_an_invalid_record_is_skipped() -> None:
    clock, inbox = Clock(), Inbox()
    topic = Topic(clock, [read(b"{"), read(b'{"id":1}'), read(b"\xff"), read(ENTER)])
    assert notifier(topic, clock, inbox).run_once()
    assert (inbox.groups, topic.commits) == ([[ENTER]], 1)

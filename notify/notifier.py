"""The loop: read alerts, follow their episodes, deliver a group, commit."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from core.envelope import DECODE_ERRORS
from core.records import Alert
from notify import metrics
from notify.episodes import Change, Episodes
from notify.receiver import Receiver, deliver
from notify.source import MAX_ALERTS, POLL_MS, Read

REPEAT_MS = 60_000

log = structlog.get_logger("notify")
_decode = msgspec.json.Decoder(Alert).decode


class Source(Protocol):
    """Source of records. `commit` is called after delivery; `caught_up`: the open episodes are known."""

    def poll(self, timeout_ms: int = POLL_MS) -> Sequence[Read]: ...
    def caught_up(self) -> bool: ...
    def commit(self) -> None: ...


class Notifier:
    """Delivers each admitted alert at least once to every receiver, in the order of each book.

    A receiver that does not take a group stalls all. `now_ms`: clock in epoch ms. `wait` pauses for some seconds and
    returns True if the process is to stop.
    """

    def __init__(
        self,
        source: Source,
        episodes: Episodes,
        receivers: Sequence[Receiver],
        group_ms: int,
        now_ms: Callable[[], int],
        wait: Callable[[float], bool],
    ) -> None:
        self._source = source
        self._episodes = episodes
        self._receivers = receivers
        self._group_ms = group_ms
        self._now_ms = now_ms
        self._wait = wait
        self._repeated_ms = 0

    def run(self) -> None:
        """Deliver until `wait` returns True."""
        while self.run_once() and not self._wait(0):
            pass

    def run_once(self) -> bool:
        """Deliver one group of alerts, or repeat the open episodes if that is due. Returns False if stopped."""
        reads = self._collect()
        changes = [(change, read.written_ms) for read in reads if (change := self._follow(read)) is not None]
        metrics.ACTIVE.set(len(list(self._episodes.active)))
        if changes and not deliver(self._receivers, [change for change, _ in changes], self._wait):
            return False
        for _, written_ms in changes:
            metrics.DELAY.observe(max(self._now_ms() - written_ms, 0) / 1000)
        self._source.commit()
        return self._repeat()

    def _collect(self) -> list[Read]:
        """Records of the next group: all that arrive within its time after the first one, up to a thousand."""
        reads = list(self._source.poll())
        until = self._now_ms() + self._group_ms
        while reads and len(reads) < MAX_ALERTS and (left_ms := until - self._now_ms()) > 0:
            reads += self._source.poll(left_ms)
        return reads

    def _follow(self, read: Read) -> Change | None:
        try:
            change = self._episodes.step(_decode(read.value))
        except DECODE_ERRORS as error:
            metrics.ALERTS.labels("invalid").inc()
            log.warning("invalid alert", error=str(error))
            return None
        if read.is_new:
            metrics.ALERTS.labels("admitted" if change else "filtered").inc()
        return change if read.is_new else None

    def _repeat(self) -> bool:
        now = self._now_ms()
        if now - self._repeated_ms < REPEAT_MS or not self._source.caught_up():
            return True
        self._repeated_ms = now
        receivers = [receiver for receiver in self._receivers if receiver.repeats]
        changes = [Change(alert) for alert in self._episodes.active]
        return not (receivers and changes) or deliver(receivers, changes, self._wait)

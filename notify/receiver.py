"""The contract of receivers, and delivery to all of them with back-off.

UserError
  BadReceiver    the address of a receiver is not valid
Exception
  Unavailable    a receiver did not take the changes; they are sent again
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from time import monotonic
from typing import Protocol

import structlog

from core.errors import UserError
from notify.episodes import Change
from notify.metrics import DELIVERIES, UP

DELAYS_S = (1.0, 2.0, 4.0, 8.0, 16.0)
LONGEST_DELAY_S = 30.0

log = structlog.get_logger("notify")


class BadReceiver(UserError):
    """The address of a receiver is not valid."""


class Unavailable(Exception):
    """A receiver did not take the changes. The text names the cause."""


class Receiver(Protocol):
    """Takes changes. `name` is shown in logs and metrics and has no secrets.

    `send` may be called again with the same changes: at least once. Raises Unavailable. `repeats`: open episodes are
    sent again and again, because the receiver forgets them.
    """

    name: str
    repeats: bool

    def send(self, changes: Sequence[Change]) -> None: ...


def delays() -> Iterator[float]:
    """Seconds between attempts: doubling up to a longest one."""
    return chain(DELAYS_S, repeat(LONGEST_DELAY_S))


def deliver(receivers: Sequence[Receiver], changes: Sequence[Change], wait: Callable[[float], bool]) -> bool:
    """Send the changes to every receiver, each until it takes them. Returns False when `wait` ended the attempts.

    `wait` pauses for some seconds and returns True if the process is to stop.
    """
    began, pending, paused = monotonic(), list(receivers), False
    for delay_s in delays():
        refused = [(receiver, error) for receiver in pending if (error := _attempt(receiver, changes)) is not None]
        if not refused:
            if paused:
                log.info("delivery goes on", alerts=len(changes), stalled_s=round(monotonic() - began, 1))
            return True
        for receiver, error in refused:
            log.warning(
                "receiver unavailable", receiver=receiver.name, error=error, alerts=len(changes), retry_s=delay_s
            )
        pending, paused = [receiver for receiver, _ in refused], True
        if wait(delay_s):
            break
    return False


def _attempt(receiver: Receiver, changes: Sequence[Change]) -> str | None:
    """Send once; the cause if the receiver did not take them."""
    try:
        receiver.send(changes)
    except Unavailable as error:
        UP.labels(receiver.name).set(0)
        DELIVERIES.labels(receiver.name, "failed").inc()
        return str(error)
    UP.labels(receiver.name).set(1)
    DELIVERIES.labels(receiver.name, "delivered").inc()
    return None

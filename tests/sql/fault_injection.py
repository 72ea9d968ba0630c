"""Faults injected while the jobs run, and observation of Redis meanwhile."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import ConnectionError

from stack.services.credentials import load_credentials
from stack.services.health import health_checks, is_healthy
from stack.services.supervisor import Supervisor
from tests.jobs.isolated_system import IsolatedSystem, Record, kill_taskmanagers, wait_until
from tests.soak import SOAKING

OUTAGE_S = 60 if SOAKING else 10


class RedisObserver:
    """Records the newest book of each key in Redis, polled repeatedly."""

    def __init__(self, url: str, keys: list[str]) -> None:
        self.update_ids: dict[str, list[int]] = {key: [] for key in keys}
        self.failed_polls = 0
        self._redis = Redis.from_url(url)

    def poll_until(self, ended: Event) -> None:
        while not ended.wait(0.05):
            for key, ids in self.update_ids.items():
                try:
                    if book := latest(self._redis, key):
                        ids.append(book["update_id"])
                except ConnectionError:
                    self.failed_polls += 1


@contextmanager
def observing(observer: RedisObserver) -> Iterator[None]:
    ended = Event()
    thread = Thread(target=observer.poll_until, args=[ended])
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def send_with_kills(system: IsolatedSystem, parts: list[list[Record]]) -> None:
    """Send the parts one after the other. All TaskManagers are killed during each but the last, as soon as records of
    it are written, and mostly before they are committed."""
    for part in parts[:-1]:
        before = system.count("orderbook.processed", "read_uncommitted")
        system.send(part)
        wait_until(
            lambda before=before: system.count("orderbook.processed", "read_uncommitted") > before, "new records"
        )
        kill_taskmanagers(system)
    system.send(parts[-1])


@contextmanager
def outage(system: IsolatedSystem, *services: str) -> Iterator[None]:
    """Stop services of the stack before the block and start them again after it, OUTAGE_S later at the earliest."""
    settings, supervisor = system.stack.settings, Supervisor(system.stack.home)
    for service in services:
        supervisor.stop_program(service)
    stopped_at = time.monotonic()
    yield
    wait_until(lambda: time.monotonic() - stopped_at > OUTAGE_S, "the end of the outage")
    for service in services:
        supervisor.start_program(service)
    checks = health_checks(settings, load_credentials(settings), supervisor)
    for service in services:
        wait_until(lambda service=service: is_healthy(checks[service]), f"{service} to be back")


def latest(redis: Redis, key: str) -> Any:
    return msgspec.json.decode(redis.get(f"orderbook:{key}:latest") or b"null")

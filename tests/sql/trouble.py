"""What happens to the jobs while they work, and what Redis held meanwhile."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import ConnectionError

from stack.credentials import load_credentials
from stack.processes import Supervisor
from stack.ready import answers, probes
from tests.jobs.desk import Desk, Record, kill_taskmanagers, wait_until

PARTS = 4
AWAY_S = 60 if os.environ.get("DEPTHFLOW_SOAK") else 10


class Watch:
    """What Redis held as the newest book of each key, looked at again and again."""

    def __init__(self, url: str, keys: list[str]) -> None:
        self.kept: dict[str, list[int]] = {key: [] for key in keys}  # update ids
        self.away = 0  # times that nobody answered
        self._redis = Redis.from_url(url)

    def look_until(self, over: Event) -> None:
        while not over.wait(0.05):
            for key, ids in self.kept.items():
                try:
                    if book := latest(self._redis, key):
                        ids.append(book["update_id"])
                except ConnectionError:
                    self.away += 1


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    over = Event()
    thread = Thread(target=watch.look_until, args=[over])
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def disturb(desk: Desk, records: list[Record]) -> None:
    """Send the records in parts; in the midst of each something dies, or is away."""
    size = len(records) // PARTS + 1
    for part in range(PARTS):
        already = desk.count("orderbook.processed")
        sent = records[part * size : (part + 1) * size]
        if part < PARTS - 1:
            desk.send(sent)
            wait_until(lambda before=already: desk.count("orderbook.processed") > before, "books of the next part")
            kill_taskmanagers(desk)
        else:
            with away(desk, "postgres", "valkey"):
                desk.send(sent)


@contextmanager
def away(desk: Desk, *parts: str) -> Iterator[None]:
    """Parts of the stack do not run for a while that begins before the block, and outlasts it."""
    settings, supervisor = desk.stack.settings, Supervisor(desk.stack.home)
    for part in parts:
        supervisor.stop_program(part)
    gone_at = time.monotonic()
    yield
    wait_until(lambda: time.monotonic() - gone_at > AWAY_S, "the outage to last long enough")
    for part in parts:
        supervisor.start_program(part)
    asked = probes(settings, load_credentials(settings), supervisor)
    for part in parts:
        wait_until(lambda part=part: answers(asked[part]), f"{part} to be back")


def latest(redis: Redis, key: str) -> Any:
    return msgspec.json.decode(redis.get(f"orderbook:{key}:latest") or b"null")

"""Cancels the jobs and deletes the topics of a benchmark, however the benchmark ends.

A signal, or the death of the process that started the benchmark, becomes an exception, so that every block that
cancels a job or deletes topics is left in order. After a SIGKILL, the next benchmark removes them: the topic prefix of
a run contains the id of its process.
"""

import os
import re
import signal
import sys
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import FrameType

from confluent_kafka.admin import AdminClient
from rich.console import Console

from core.settings import Settings
from jobs.submit import ENDED, FlinkCluster

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PARENT_POLL_S = 0.5
PREFIX = re.compile(r"^bench-(\d+)-[0-9a-f]{8}\.")

console = Console(stderr=True)


def run_prefix() -> str:
    """A topic prefix for one run of a benchmark: `bench-PID-8 hex digits.`"""
    return f"bench-{os.getpid()}-{uuid.uuid4().hex[:8]}."


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Raise SystemExit(128 + number) on SIGTERM, SIGINT and SIGHUP, and when the parent process dies.

    Only the first signal counts: the cancellation of a job that it has begun is not interrupted by a second one.
    """
    previous = {number: signal.signal(number, _exit_once) for number in SIGNALS}
    ended = Event()
    Thread(target=_watch_parent, args=(os.getppid(), ended), name="parent", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _exit_once(number: int, frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def _watch_parent(parent: int, ended: Event) -> None:
    """Send SIGTERM to this process when its parent has died: another process has adopted it then."""
    while not ended.wait(PARENT_POLL_S):
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return


def is_left_over(name: str) -> bool:
    """True for a job or topic of a benchmark whose process has ended without removing it."""
    found = PREFIX.match(name)
    return found is not None and not _is_alive(int(found[1]))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def left_over(names: Iterable[str]) -> list[str]:
    """Names that ended benchmarks have left."""
    return sorted(name for name in names if is_left_over(name))


def remove_left_overs(settings: Settings) -> None:
    """Cancel the jobs and delete the topics that killed benchmarks have left. Raises SubmitError without a cluster."""
    cluster = FlinkCluster.of(settings)
    running = {job["jid"]: job["name"] for job in cluster.get("/jobs/overview")["jobs"] if job["state"] not in ENDED}
    for jid, name in running.items():
        if is_left_over(name):
            cluster.patch(f"/jobs/{jid}")
            console.print(f"cancelled {name}, which a killed benchmark has left", highlight=False)
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    topics = left_over(admin.list_topics(timeout=10).topics)
    for deleted in admin.delete_topics(topics).values() if topics else ():
        deleted.result()

"""A benchmark that is stopped leaves nothing on the cluster."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bench import cleanup, jobs
from bench.cleanup import left_over, run_prefix, signals_as_exceptions
from core.settings import Settings

SCRIPT = """
import sys, time
from bench.cleanup import signals_as_exceptions
with signals_as_exceptions():
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        time.sleep({cleaning_s})
        print("cancelled", flush=True)
"""
PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1]])
time.sleep(60)
"""


@contextmanager
def process(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None and started.stdout.readline() == "ready\n"
        yield started


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_every_block_in_order(number: signal.Signals) -> None:
    with process("-c", SCRIPT.format(cleaning_s=0)) as started:
        started.send_signal(number)
        output, _ = started.communicate(timeout=10)
    assert (output, started.returncode) == ("cancelled\n", 128 + number)


def test_a_second_signal_does_not_interrupt_the_cancellation() -> None:
    with process("-c", SCRIPT.format(cleaning_s=0.5)) as started:
        for _ in range(3):
            started.send_signal(signal.SIGTERM)
        output, _ = started.communicate(timeout=10)
    assert output == "cancelled\n"


def test_the_death_of_the_parent_ends_every_block_in_order() -> None:
    with process("-c", PARENT, SCRIPT.format(cleaning_s=0)) as parent:
        parent.kill()
        assert parent.stdout is not None and parent.stdout.readline() == "cancelled\n"


def test_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with signals_as_exceptions():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def ended_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as started:
        started.wait()
        return started.pid


def test_only_names_of_ended_benchmarks_are_left_over() -> None:
    dead = f"bench-{ended_pid()}-0123abcd."
    names = [f"{dead}books", f"{dead}orderbook.raw", f"{run_prefix()}books", "books", "bench-x.books", "bench-1"]
    assert left_over(names) == [f"{dead}books", f"{dead}orderbook.raw"]
    assert run_prefix().startswith(f"bench-{os.getpid()}-")


def test_a_job_is_cancelled_although_its_submission_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled = list[str]()

    def interrupted(*arguments: object) -> None:
        raise SystemExit(143)

    monkeypatch.setattr(jobs, "run", interrupted)
    monkeypatch.setattr(jobs, "cancel", lambda cluster, job: cancelled.append(job))
    monkeypatch.setattr(jobs.FlinkCluster, "running", lambda self, job: [])
    with pytest.raises(SystemExit), jobs.running(Settings(_env_file=None), "books", []):
        pass
    assert cancelled == ["books"]


def test_a_run_that_created_no_topics_deletes_none() -> None:
    with jobs.temporary_topics(Settings(_env_file=None)):
        pass  # `bench peers` runs the books job like this: its topics are those of the round


def test_the_next_benchmark_cancels_the_jobs_of_a_killed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    dead, requests, deleted = f"bench-{ended_pid()}-0123abcd.", list[str](), list[str]()
    overview = [
        {"jid": "1", "name": f"{dead}books", "state": "RUNNING"},
        {"jid": "2", "name": f"{dead}cache", "state": "CANCELED"},
        {"jid": "3", "name": "books", "state": "RUNNING"},
    ]

    class Admin:
        def __init__(self, options: dict[str, Any]) -> None:
            """Connect to nothing."""

        def list_topics(self, timeout: float) -> Any:
            return type("Listed", (), {"topics": {f"{dead}trades": None, "trades": None}})

        def delete_topics(self, names: list[str]) -> dict[str, Any]:
            deleted.extend(names)
            return {}

    monkeypatch.setattr(cleanup.FlinkCluster, "get", lambda self, path: {"jobs": overview})
    monkeypatch.setattr(cleanup.FlinkCluster, "patch", lambda self, path: requests.append(self.rest_url + path))
    monkeypatch.setattr(cleanup, "AdminClient", Admin)
    cleanup.remove_left_overs(Settings(_env_file=None, flink_rest_url="http://flink"))
    assert (requests, deleted) == (["http://flink/jobs/1"], [f"{dead}trades"])

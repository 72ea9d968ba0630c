"""Jobs after a kill of the JobManager, and after `down` and `up`: what ran goes on, what was stopped does not."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jobs.submit import SubmitError, cancel, require_startable, run, run_command, stop
from stack.services import lifecycle
from stack.services.progress import Progress
from tests.conftest import Stack
from tests.jobs.isolated_system import IsolatedSystem, wait_until
from tests.soak import soak

pytestmark = soak
PREFIX = "recovery."
QUERY = """
import time
from pyflink.table import EnvironmentSettings, TableEnvironment
tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
for key, value in {{"execution.target": "remote", "rest.address": "127.0.0.1", "rest.port": "{port}"}}.items():
    tables.get_config().set(key, value)
tables.execute_sql("CREATE TEMPORARY TABLE numbers (x INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1')")
rows = tables.execute_sql("SELECT x FROM numbers")
time.sleep(600)
"""


@contextmanager
def query(stack: Stack) -> Iterator[None]:
    """An endless query in the cluster, whose client is killed when the block ends."""
    script = QUERY.format(port=stack.settings.flink_port)
    with subprocess.Popen([sys.executable, "-c", script], start_new_session=True) as client:
        try:
            yield
        finally:
            os.killpg(client.pid, signal.SIGKILL)


def running(system: IsolatedSystem) -> dict[str, str]:
    """Ids of the jobs whose tasks all run, by name without the prefix."""
    jobs = system.cluster.get("/jobs/overview")["jobs"]
    return {
        job["name"].removeprefix(PREFIX): job["jid"]
        for job in jobs
        if job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"]
    }


def runs_by_itself(system: IsolatedSystem, expected: dict[str, str]) -> bool:
    try:
        return running(system) == expected
    except SubmitError:  # no JobManager, or none that is leader
        return False


def refusal(system: IsolatedSystem) -> str:
    try:
        require_startable(system.cluster, "books")
    except SubmitError as error:
        return str(error)
    return "accepted"


def test_jobs_that_ran_go_on_and_a_stopped_job_does_not_come_back(stack: Stack) -> None:
    system, progress = IsolatedSystem(stack, PREFIX), Progress()
    for job in ("books", "cache"):
        run(run_command(system.cluster, job, [], None), system.settings)
    try:
        stop(system.cluster, "cache")
        wait_until(lambda: "books" in running(system), "the job to run")
        ran = running(system)
        assert set(ran) == {"books"}

        system.kill("jobmanager")
        wait_until(lambda: "is recovering, no JobManager is leader" in refusal(system), "the next JobManager")
        wait_until(lambda: runs_by_itself(system, ran), "the job to run again by itself", timeout_s=60)
        with pytest.raises(SubmitError, match="books is already running"):
            require_startable(system.cluster, "books")

        with query(stack):
            wait_until(lambda: len(running(system)) == 2, "the query to run")
            assert lifecycle.down(stack.settings)
        assert lifecycle.up(stack.settings, progress)
        wait_until(lambda: runs_by_itself(system, ran), "the query without a client to end")

        lifecycle.down(stack.settings)
        lifecycle.up(stack.settings, progress, resume=False)
        assert system.cluster.get("/jobs/overview")["jobs"] == []
    finally:
        for job in ("books", "cache"):
            cancel(system.cluster, job)

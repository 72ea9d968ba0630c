"""Submission and stop of the jobs by plain `flink run` and REST, resumed from the job's newest state."""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlparse
from urllib.request import Request, urlopen

from core.errors import UserError
from core.resources import ROOT
from core.settings import Settings

JOBS = {
    "books": "jobs/books.py",
    "options": "jobs/options.py",
    "alerts": "jobs/alerts.py",
    "analytics": "jobs/analytics.py",
    "cache": "jobs/cache.py",
}
CAUSE = re.compile(r"Caused by|Error|^jobs\.\w+\.")  # the last: an exception of the job's own `main`
NOT_RESTORED = re.compile(r"(?:Cannot|Failed to) map .*(?:savepoint|checkpoint).* state.*")
ENDED = {"FINISHED", "CANCELED", "FAILED"}
TASKS_STARTING = "Not all required tasks are currently running"
TASKS_START_S = 120.0  # Python may need a minute to start on a machine with full cores
POLL_S = 0.1
RESPONDS_WITHIN_S = 60  # as long as Flink's own components wait for one another (pekko.ask.timeout)


class SubmitError(UserError):
    """A job that cannot be submitted or stopped; the text names the cause and the remedy."""


class StateNotRestored(SubmitError):
    """Saved state of operators that the submitted job does not have."""


@dataclass(frozen=True)
class FlinkCluster:
    """A running Flink cluster: folder of its distribution, REST address, and location of its jobs' state."""

    home: Path
    rest_url: str
    state_url: str
    prefix: str  # topic prefix; job names and state folders have it too, so that systems can share a cluster

    @classmethod
    def of(cls, settings: Settings) -> "FlinkCluster":
        return cls(
            settings.flink_home,
            settings.flink_rest_url.rstrip("/"),
            settings.flink_state_url.rstrip("/"),
            settings.topic_prefix,
        )

    def get(self, path: str) -> Any:
        """JSON response of the REST API. Raises SubmitError if the cluster does not respond."""
        return self._request(Request(self.rest_url + path))

    def post(self, path: str, **body: Any) -> Any:
        """JSON response of the REST API to a body. Raises SubmitError if the cluster does not respond."""
        data = json.dumps(body).encode()
        return self._request(Request(self.rest_url + path, data, {"Content-Type": "application/json"}))

    def patch(self, path: str) -> Any:
        """JSON response of the REST API to a PATCH. Raises SubmitError if the cluster does not respond."""
        return self._request(Request(self.rest_url + path, method="PATCH"))

    def _request(self, request: Request) -> Any:
        try:
            with urlopen(request, timeout=RESPONDS_WITHIN_S) as response:
                return json.load(response)
        except OSError as error:
            if isinstance(error, HTTPError) and error.code == HTTPStatus.SERVICE_UNAVAILABLE:
                raise SubmitError(
                    f"the Flink cluster at {self.rest_url} is recovering, no JobManager is leader: try again in some "
                    "seconds; `depthflow status` shows what it waits for"
                ) from None
            raise SubmitError(
                f"no Flink cluster responds at {self.rest_url} ({error}): start one with `depthflow up`, "
                "or set FLINK_REST_URL"
            ) from None

    def running(self, job: str) -> list[str]:
        """Ids of the jobs of that name that have not ended."""
        jobs = self.get("/jobs/overview")["jobs"]
        return [entry["jid"] for entry in jobs if entry["name"] == self.prefix + job and entry["state"] not in ENDED]

    def parallelism(self, job: str) -> int:
        """Largest number of slots that an operator of the running job uses; 1 if it does not run."""
        vertices = [each for jid in self.running(job) for each in self.get(f"/jobs/{jid}")["vertices"]]
        return max((int(each["parallelism"]) for each in vertices), default=1)

    def state_folder(self, job: str) -> str:
        """URL of the folder with the job's checkpoints and savepoints."""
        return f"{self.state_url}/{self.prefix}{job}"

    def free_slots(self) -> int:
        return int(self.get("/overview")["slots-available"])


def run_command(
    cluster: FlinkCluster, job: str, options: list[str], resume_from: str | None, allow_non_restored: bool = False
) -> list[str]:
    """The `flink run` command of a job. `allow_non_restored`: drop saved state that the job has no operator for.

    Client and workers import the code of this installation, if workers find its folder on their machine.
    """
    state = cluster.state_folder(job)
    resume = ["-s", resume_from] if resume_from else []
    if resume_from and allow_non_restored:
        resume.append("--allowNonRestoredState")
    return [
        str(cluster.home / "bin" / "flink"),
        "run",
        "--detached",
        "--jobmanager",
        urlparse(cluster.rest_url).netloc,
        f"-Dexecution.checkpointing.dir={state}",
        f"-Dexecution.checkpointing.savepoint-dir={state}",
        *options,
        *resume,
        f"-Dpython.client.executable={sys.executable}",
        f"-Dpython.pythonpath={ROOT}",
        "--python",
        str(ROOT / JOBS[job]),
    ]


def newest_state(cluster: FlinkCluster, job: str) -> str | None:
    """The newest retained checkpoint or savepoint of a job, or None if there is none.

    Raises SubmitError for state on a file system that cannot be listed here, such as s3: a start without state would
    otherwise pass for a resume.
    """
    folder = urlparse(cluster.state_folder(job))
    if folder.scheme not in ("", "file"):
        raise SubmitError(
            f"the state of {job} is in {folder.geturl()}, which depthflow cannot list: name the checkpoint or "
            f"savepoint with --from {folder.geturl()}/…, or start without state with --fresh"
        )
    found = Path(folder.path).glob("**/_metadata")
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return f"file://{newest.parent}" if newest else None


def age_s(state: str) -> float:
    """Age of a checkpoint or savepoint on this machine."""
    return time.time() - (Path(urlparse(state).path) / "_metadata").stat().st_mtime


def new_run_id(now_s: float) -> str:
    """Id of one submission, different from that of any earlier one a second ago. Of lower-case letters and digits.

    As part of the transactional ids it spares Flink the search for unused ids, one request for each checkpoint of the
    last day.
    """
    number, digits = int(now_s), ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def require_startable(cluster: FlinkCluster, job: str, slots: int = 1) -> None:
    """Raises SubmitError for an unknown job, a job that is already running, and a cluster with fewer free slots."""
    if job not in JOBS:
        raise SubmitError(f"unknown job {job!r}; expected one of {', '.join(JOBS)}")
    if running := cluster.running(job):
        raise SubmitError(
            f"job {job} is already running as {running[0]}: `depthflow stop {job}` stops it with a savepoint"
        )
    require_slots(cluster, slots)


def require_slots(cluster: FlinkCluster, needed: int) -> None:
    """Raises SubmitError for a cluster with fewer free slots, or one that does not respond."""
    free = cluster.free_slots()
    if free < needed:
        found = "no free slot" if not free else f"{free} free of the {needed} slots that this needs"
        raise SubmitError(
            f"the cluster has {found}: stop a job, or raise FLINK_TASKMANAGERS and run `depthflow up` again"
        )


def client_environment(settings: Settings) -> dict[str, str]:
    """Environment of a Flink client: the settings, and the fast compiler only, since its JVM runs for seconds."""
    quick = f"-XX:TieredStopAtLevel=1 {os.environ.get('JVM_ARGS', '')}".strip()
    return os.environ | settings.environment() | {"JVM_ARGS": quick}


def run(command: list[str], settings: Settings) -> str:
    """Run a Flink command and return its output.

    Raises SubmitError with the root causes in Flink's stack trace, or StateNotRestored. The command runs the job's
    `main` on this machine; `main` reads the settings from the environment passed here.
    """
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=client_environment(settings))
    if done.returncode:
        output = done.stdout + done.stderr
        if reason := NOT_RESTORED.search(output):
            raise StateNotRestored(
                "the saved state has operators that the job does not have, because a uid was renamed or the SQL plan "
                "changed: submit with --allow-non-restored-state to drop the state of those operators, or with --fresh "
                "to start without any state; analytics has no state of its own, and --fresh loses nothing there. "
                f"Flink's reason:\n  {reason[0]}"
            )
        raise SubmitError("Flink refused the job:\n  " + "\n  ".join(_causes(output.splitlines())))
    return done.stdout


def start(command: list[str], settings: Settings) -> str:
    """`run` with transactional ids of this submission alone."""
    return run(command, settings.model_copy(update={"run_id": new_run_id(time.time())}))


def _causes(lines: list[str]) -> list[str]:
    """The last three causes in a stack trace of Flink."""
    return ([line.strip() for line in lines if CAUSE.search(line)] or lines[-5:])[-3:]


def stop(cluster: FlinkCluster, job: str) -> str:
    """Stop a running job with a savepoint and return the savepoint's URL; the next `submit` resumes from it.

    Uses Flink's REST API as `flink stop` does, without the seconds that a JVM takes to start. A job whose tasks are
    still starting cannot take a savepoint: the request is repeated for up to TASKS_START_S.
    """
    running = cluster.running(job)
    if not running:
        raise SubmitError(f"job {job} is not running: `depthflow status` lists the running jobs")
    give_up_at = time.monotonic() + TASKS_START_S
    while "location" not in (operation := _stop_once(cluster, job, running[0])):
        cause = operation["failure-cause"]["stack-trace"]
        if TASKS_STARTING not in cause or time.monotonic() > give_up_at:
            causes = "\n  ".join(_causes(cause.splitlines()))
            raise SubmitError(f"Flink did not stop the job, which is still running:\n  {causes}")
        time.sleep(POLL_S)
    return str(operation["location"])


def _stop_once(cluster: FlinkCluster, job: str, jid: str) -> Any:
    """The result of one request to stop: the savepoint's `location`, or a `failure-cause`."""
    request = cluster.post(f"/jobs/{jid}/stop", targetDirectory=cluster.state_folder(job), drain=False)
    path = f"/jobs/{jid}/savepoints/{request['request-id']}"
    while (savepoint := cluster.get(path))["status"]["id"] != "COMPLETED":
        time.sleep(POLL_S)
    return savepoint["operation"]


def cancel(cluster: FlinkCluster, job: str) -> None:
    """Cancel a job without a savepoint. Raises SubmitError if the cluster does not respond, or refuses."""
    for jid in cluster.running(job):
        cluster.patch(f"/jobs/{jid}")

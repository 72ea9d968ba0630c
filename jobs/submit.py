"""Submission: the plain `flink run` that a job needs, resumed from where the job was last."""

import json
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import Request, urlopen

from market.errors import UserError
from market.settings import Settings

JOBS = {
    "books": "jobs/books.py",
    "options": "jobs/options.py",
    "analytics": "jobs/analytics.py",
    "cache": "jobs/cache.py",
}
ROOT = Path(__file__).resolve().parents[1]
CAUSE = re.compile(r"Caused by|Error|^jobs\.\w+\.")  # the last: a failure that a job's `main` names itself
ENDED = {"FINISHED", "CANCELED", "FAILED"}
POLL_S = 0.1


class SubmitError(UserError):
    """A job that cannot be submitted or stopped; the text names the cause and the mend."""


@dataclass(frozen=True)
class Cluster:
    """A running Flink cluster: the folder of its distribution, its REST address, and where its jobs keep state."""

    home: Path
    rest_url: str
    state_url: str
    prefix: str  # of the topics, and so of the job names and state folders of one system among several

    @classmethod
    def of(cls, settings: Settings) -> "Cluster":
        return cls(
            settings.flink_home,
            settings.flink_rest_url.rstrip("/"),
            settings.flink_state_url.rstrip("/"),
            settings.topic_prefix,
        )

    def get(self, path: str) -> Any:
        """JSON of the REST API. Raises SubmitError when nobody answers."""
        return self._answer(Request(self.rest_url + path))

    def post(self, path: str, **body: Any) -> Any:
        """What the REST API says to a request with that body. Raises SubmitError when nobody answers."""
        sent = json.dumps(body).encode()
        return self._answer(Request(self.rest_url + path, sent, {"Content-Type": "application/json"}))

    def _answer(self, request: Request) -> Any:
        try:
            with urlopen(request, timeout=10) as response:
                return json.load(response)
        except OSError as error:
            raise SubmitError(
                f"no Flink cluster answers at {self.rest_url} ({error}): start one with `depthflow up`, "
                "or set FLINK_REST_URL"
            ) from None

    def running(self, job: str) -> list[str]:
        """Ids of the jobs of that name which have not ended."""
        jobs = self.get("/jobs/overview")["jobs"]
        return [entry["jid"] for entry in jobs if entry["name"] == self.prefix + job and entry["state"] not in ENDED]

    def state_of(self, job: str) -> str:
        """Where the job keeps its checkpoints and savepoints."""
        return f"{self.state_url}/{self.prefix}{job}"

    def free_slots(self) -> int:
        return int(self.get("/overview")["slots-available"])


def run_command(cluster: Cluster, job: str, options: list[str], resume_from: str | None) -> list[str]:
    """The `flink run` of a job, as one would type it."""
    state = cluster.state_of(job)
    resume = ["-s", resume_from, "--allowNonRestoredState"] if resume_from else []
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
        "--python",
        str(ROOT / JOBS[job]),
    ]


def newest_state(cluster: Cluster, job: str) -> str | None:
    """The newest retained checkpoint or savepoint of a job, or None if it left none.

    Only states on a file system of this machine can be looked through; for others `--from` names one.
    """
    place = urlparse(cluster.state_of(job))
    if place.scheme != "file":
        return None
    found = Path(place.path).glob("**/_metadata")
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return f"file://{newest.parent}" if newest else None


def require_startable(cluster: Cluster, job: str) -> None:
    """Raises SubmitError for an unknown job, one that runs already, and a cluster without a free slot."""
    if job not in JOBS:
        raise SubmitError(f"no job is called {job!r}: there are {', '.join(JOBS)}")
    if running := cluster.running(job):
        raise SubmitError(
            f"the job {job} runs already as {running[0]}: `depthflow stop {job}` stops it with a savepoint"
        )
    require_slot(cluster)


def require_slot(cluster: Cluster) -> None:
    """Raises SubmitError for a cluster without a free slot, or one that does not answer."""
    if not cluster.free_slots():
        raise SubmitError(
            "the cluster has no free slot: stop a job, or raise FLINK_TASKMANAGERS and run `depthflow up` again"
        )


def quick_client() -> dict[str, str]:
    """Environment of a Flink client whose JVM makes do with the quick compiler: it lives for seconds."""
    return {"JVM_ARGS": f"-XX:TieredStopAtLevel=1 {os.environ.get('JVM_ARGS', '')}".strip()}


def run(command: list[str], settings: Settings) -> str:
    """Run a Flink command; its output. Raises SubmitError with the cause that Flink's own stack trace ends in.

    The job's `main` runs within, on this machine: it reads the settings from the environment it is given here.
    """
    environment = os.environ | settings.environment() | quick_client()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    if done.returncode:
        causes = _causes((done.stdout + done.stderr).splitlines())
        raise SubmitError("Flink refused the job:\n  " + "\n  ".join(causes))
    return done.stdout


def _causes(lines: list[str]) -> list[str]:
    """What a stack trace of Flink's ends in."""
    return ([line.strip() for line in lines if CAUSE.search(line)] or lines[-5:])[-3:]


def stop(cluster: Cluster, job: str) -> str:
    """Stop a running job with a savepoint, which the next `submit` resumes from; the savepoint's place.

    By Flink's REST API, as `flink stop` does it, without the seconds that its JVM takes to start.
    """
    running = cluster.running(job)
    if not running:
        raise SubmitError(f"the job {job} does not run: `depthflow status` shows what does")
    asked = cluster.post(f"/jobs/{running[0]}/stop", targetDirectory=cluster.state_of(job), drain=False)
    place = f"/jobs/{running[0]}/savepoints/{asked['request-id']}"
    while (told := cluster.get(place))["status"]["id"] != "COMPLETED":
        time.sleep(POLL_S)
    if "location" not in told["operation"]:
        cause = told["operation"]["failure-cause"]["stack-trace"]
        raise SubmitError("Flink did not stop the job, which goes on:\n  " + "\n  ".join(_causes(cause.splitlines())))
    return str(told["operation"]["location"])


def cancel(cluster: Cluster, job: str) -> None:
    """End a job at once, without a savepoint."""
    for jid in cluster.running(job):
        urlopen(Request(f"{cluster.rest_url}/jobs/{jid}", method="PATCH"), timeout=10).close()

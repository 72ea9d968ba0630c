"""Jobs of Flink, by its REST interface. Operators' metrics are as old as Flink's own collection, up to ten seconds."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from gateway.pipeline.documents import JobRow, VenueWork
from gateway.pipeline.fetching import Fetcher, Unavailable
from gateway.pipeline.samples import Rates

NAMES_S = 10.0  # life of a list of metrics: operators add names when they meet a venue
FAILED_MS = 3_600_000  # a failed job is shown for so long; others that have ended were stopped by somebody
MAX_JOBS = 32
ENDED = ("FINISHED", "CANCELED", "FAILED")
PERIOD_MS = 60_000  # a checkpoint older than this is a reason to look
OURS = re.compile(r"\.depthflow\.venue\.([^.]+)\.(\w+)$")
BEHIND = re.compile(r"\.KafkaSourceReader\.KafkaConsumer\.records-lag-max$")
LETTERS = re.compile(r"^dead_letters_sink\b.*\.numRecordsSend$")  # of the analytics job, which is SQL alone
READ = re.compile(r"^Source.*\.numRecordsIn$")
TASK = {"busyTimeMsPerSecond": "busy", "backPressuredTimeMsPerSecond": "blocked"}

Numbers = dict[str, dict[str, float]]  # by name: sum and max over the subtasks


class FlinkJobs:
    """Reads the jobs of one cluster. `clock`: monotonic seconds."""

    def __init__(self, url: str, fetch: Fetcher, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._fetch, self._clock = url.rstrip("/"), fetch, clock
        self._rates = Rates()
        self._names: dict[tuple[str, str], tuple[float, list[str]]] = {}

    async def rows(self, now_ms: int) -> list[JobRow]:
        """Jobs that run or failed lately, the newest one of each name. Raises Unavailable without a JobManager."""
        overview = (await self._get("/jobs/overview"))["jobs"]
        newest: dict[str, Any] = {}
        for job in sorted(overview, key=lambda each: (each["state"] not in ENDED, each["start-time"])):
            newest[job["name"]] = job
        shown = sorted((job for job in newest.values() if _is_shown(job, now_ms)), key=lambda each: each["name"])[
            :MAX_JOBS
        ]
        return list(await asyncio.gather(*(self._row(job, now_ms) for job in shown)))

    async def _row(self, job: Any, now_ms: int) -> JobRow:
        alive = job["state"] not in ENDED
        checkpoints, restarts, numbers = await asyncio.gather(
            self._or_none(f"/jobs/{job['jid']}/checkpoints"),
            self._or_none(f"/jobs/{job['jid']}/metrics?get=numRestarts"),
            self._numbers(job["jid"]) if alive else _nothing(),
        )
        newest = ((checkpoints or {}).get("latest") or {}).get("completed") or {}
        age_ms = max(0, now_ms - newest["latest_ack_timestamp"]) if alive and newest else None
        venues = self._venues(job["jid"], numbers)
        read = [value["sum"] for name, value in numbers.items() if READ.search(name)]
        rate = self._rates.per_second((job["jid"], "read"), sum(read), self._clock()) if read else None
        behind = [value["sum"] for name, value in numbers.items() if BEHIND.search(name) and value["sum"] >= 0]
        return JobRow(
            name=job["name"].partition("\n")[0][:64],
            state=job["state"],
            reasons=reasons(job, age_ms),
            uptime_ms=job["duration"],
            restarts=int(float(restarts[0]["value"])) if restarts else None,
            records_per_s=rate,
            records_behind=round(sum(behind)) if behind else None,
            checkpoint_age_ms=age_ms,
            checkpoint_duration_ms=newest.get("end_to_end_duration"),
            checkpoint_bytes=newest.get("state_size"),
            checkpoints_failed=((checkpoints or {}).get("counts") or {}).get("failed"),
            busy_share=_share(numbers, "busyTimeMsPerSecond"),
            blocked_share=_share(numbers, "backPressuredTimeMsPerSecond"),
            venues=venues,
            dead_letters=sum(venue.dead_letters for venue in venues)
            + round(sum(value["sum"] for name, value in numbers.items() if LETTERS.search(name))),
        )

    def _venues(self, job: str, numbers: Numbers) -> list[VenueWork]:
        found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for name, value in numbers.items():
            if match := OURS.search(name):
                venue, metric = match.groups()
                if metric == "lag_ms":
                    found[venue][metric] = max(found[venue][metric], value["max"])
                else:
                    found[venue][metric] += value["sum"]
        return [self._venue(job, name, each) for name, each in sorted(found.items())]

    def _venue(self, job: str, venue: str, each: dict[str, float]) -> VenueWork:
        now_s, key = self._clock(), (job, venue)
        return VenueWork(
            venue=venue,
            frames_per_s=self._rates.per_second((*key, "frames"), each.get("frames"), now_s),
            applied_per_s=self._rates.per_second((*key, "applied"), each.get("applied"), now_s),
            prompt_share=each["prompt"] / each["applied"] if each.get("applied") else None,
            lag_ms=each.get("lag_ms"),
            gaps=round(each["gaps"]),
            stale=round(each["stale"]),
            dead_letters=round(each["dead_letters"]),
            books=round(each["keys"]),
            out_of_sync=round(each["out_of_sync"]),
        )

    async def _numbers(self, job: str) -> Numbers:
        """Metrics of all vertices that a row needs, by name."""
        detail = await self._or_none(f"/jobs/{job}")
        vertices = [each["id"] for each in (detail or {}).get("vertices", [])]
        found: Numbers = {}
        for values in await asyncio.gather(*(self._vertex(job, vertex) for vertex in vertices)):
            for each in values:
                known = found.setdefault(each["id"], {"sum": 0.0, "max": float("-inf")})
                known["sum"] += _number(each["sum"])
                known["max"] = max(known["max"], _number(each["max"]))
        return found

    async def _vertex(self, job: str, vertex: str) -> list[dict[str, Any]]:
        path = f"/jobs/{job}/vertices/{vertex}/subtasks/metrics"
        now_s = self._clock()
        read_s, names = self._names.get((job, vertex), (float("-inf"), []))
        if not 0 <= now_s - read_s < NAMES_S:
            listed = [each["id"] for each in await self._or_none(path) or []]
            names = [
                each for each in listed if each in TASK or any(p.search(each) for p in (OURS, BEHIND, LETTERS, READ))
            ]
            if names:  # Flink collects metrics after the first request, whose answer is empty
                current = {key: found for key, found in self._names.items() if now_s - found[0] < NAMES_S}
                self._names = current | {(job, vertex): (now_s, names)}
        if not names:
            return []
        return await self._or_none(f"{path}?get={quote(','.join(names))}&agg=sum,max") or []

    async def _get(self, path: str) -> Any:
        return await self._fetch.json(self._url + path)

    async def _or_none(self, path: str) -> Any:
        """The answer to a request about a job; None if the job has ended meanwhile."""
        try:
            return await self._get(path)
        except Unavailable:
            return None


def reasons(job: Any, checkpoint_age_ms: int | None) -> list[str]:
    """Problems of a job; empty for a sound one. `job`: an entry of Flink's overview."""
    tasks, state = job["tasks"], job["state"]
    if state in ENDED:
        return [f"it has ended: {state.lower()}"]
    if state not in ("RUNNING", "CREATED"):
        return [f"it is {state.lower()}"]
    found = []
    if tasks["running"] < tasks["total"]:
        found.append(f"{tasks['running']} of {tasks['total']} tasks run")
    if checkpoint_age_ms is not None and checkpoint_age_ms > PERIOD_MS:
        found.append(f"no checkpoint for {checkpoint_age_ms // 1000} s: committed output waits")
    return found


def _is_shown(job: Any, now_ms: int) -> bool:
    """True for a job that has not ended, or failed within the last hour. `job`: an entry of Flink's overview."""
    return job["state"] not in ENDED or (job["state"] == "FAILED" and now_ms - job.get("end-time", now_ms) < FAILED_MS)


async def _nothing() -> Numbers:
    return {}


def _number(value: Any) -> float:
    """A number of Flink's, 0 for NaN."""
    number = float(value)
    return number if number == number else 0.0


def _share(numbers: Numbers, name: str) -> float | None:
    return min(1.0, numbers[name]["max"] / 1000) if name in numbers else None

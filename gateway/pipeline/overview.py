"""The answer about the pipeline: measured at most once a second, however many clients ask."""

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from gateway.metrics import GatewayMetrics
from gateway.pipeline.documents import JobRow, PipelineAnswer, PipelineSource, PipelineTotals, ProcessRow
from gateway.pipeline.fetching import Fetcher, Unavailable, host_of
from gateway.pipeline.flink import FlinkJobs
from gateway.pipeline.processes import Processes
from gateway.pipeline.samples import Samples
from gateway.pipeline.targets import Target, registered_targets

PERIOD_S = 1.0
BUILDERS = ("books", "options")  # ends of the names of jobs that keep books or chains


class Pipeline:
    """Asks Flink and the processes. `flink_url`: empty for none; `home`: folder in which processes register.

    `own`: the gateway's own address and metrics. `clock`: monotonic seconds, `wall`: epoch seconds.
    """

    def __init__(
        self,
        flink_url: str,
        targets: list[Target],
        home: Path,
        own: tuple[str, GatewayMetrics],
        fetch: Fetcher | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._fetch, self._clock, self._wall = fetch or Fetcher(), clock, wall
        self._flink = FlinkJobs(flink_url, self._fetch, clock) if flink_url else None
        self._flink_host = host_of(flink_url)
        self._targets, self._home = targets, home
        self._own = Target("gateway", own[0])
        self._own_metrics = own[1]
        self._processes = Processes(self._fetch, clock)
        self._lock = asyncio.Lock()
        self._newest: PipelineAnswer | None = None
        self._measured_s = float("-inf")

    async def read(self) -> PipelineAnswer:
        """The newest measurement, at most PERIOD_S old when it is asked for."""
        async with self._lock:
            if self._newest is None or not 0 <= self._clock() - self._measured_s < PERIOD_S:
                self._newest = await self._measure()
                self._measured_s = self._clock()
            return self._newest

    async def close(self) -> None:
        await self._fetch.close()

    async def _measure(self) -> PipelineAnswer:
        now_ms = int(self._wall() * 1000)
        others = [each for each in self._others() if each.address != self._own.address]
        (jobs, flink), processes = await asyncio.gather(self._jobs(now_ms), self._processes.rows(others, now_ms))
        own = self._processes.row(self._own, Samples(self._own_metrics.exposition().decode()), [], now_ms)
        processes = sorted([own, *processes], key=lambda each: (each.kind, each.venue or "", each.address))
        sources = flink + [_source(each) for each in processes]
        return PipelineAnswer(now_ms, totals(jobs, processes), jobs, processes, sources, away(sources, jobs, processes))

    def _others(self) -> list[Target]:
        return registered_targets(self._home) + self._targets

    async def _jobs(self, now_ms: int) -> tuple[list[JobRow], list[PipelineSource]]:
        if self._flink is None:
            return [], []
        try:
            rows = await self._flink.rows(now_ms)
        except Unavailable as error:
            return [], [PipelineSource("flink", self._flink_host, False, str(error))]
        except (KeyError, TypeError, ValueError) as error:
            cause = f"its answer is not Flink's: {type(error).__name__}"
            return [], [PipelineSource("flink", self._flink_host, False, cause)]
        return rows, [PipelineSource("flink", self._flink_host, True)]


def _source(row: ProcessRow) -> PipelineSource:
    return PipelineSource(row.kind, row.address, row.up, None if row.up else "; ".join(row.reasons))


def totals(jobs: Iterable[JobRow], processes: Iterable[ProcessRow]) -> PipelineTotals:
    """Sums and worst values. Books, frames and gaps are those of the jobs that keep books or chains."""
    listed = list(jobs)
    venues = [venue for job in listed if job.name.endswith(BUILDERS) for venue in job.venues]
    forwarders = [each for each in processes if each.kind == "forwarder"]
    return PipelineTotals(
        frames_per_s=_sum(venue.frames_per_s for venue in venues),
        lag_ms=max((venue.lag_ms for venue in venues if venue.lag_ms is not None), default=None),
        checkpoint_age_ms=max(
            (job.checkpoint_age_ms for job in listed if job.checkpoint_age_ms is not None), default=None
        ),
        books=sum(venue.books for venue in venues),
        out_of_sync=sum(venue.out_of_sync for venue in venues),
        gaps=sum(venue.gaps for venue in venues),
        dead_letters=sum(job.dead_letters for job in listed),
        forwarders=len(forwarders),
        forwarders_up=sum(each.up and not each.reasons for each in forwarders),
    )


def away(sources: Iterable[PipelineSource], jobs: Iterable[JobRow], processes: Iterable[ProcessRow]) -> list[str]:
    """One sentence for each source, job and process that is unavailable or does not work."""
    found = [f"{each.name} at {each.address} is unavailable: {each.cause}" for each in sources if not each.answers]
    found += [f"job {job.name}: {'; '.join(job.reasons)}" for job in jobs if job.reasons]
    ready = (each for each in processes if each.up and each.reasons)
    return found + [f"{_name(each)} at {each.address} is not ready: {'; '.join(each.reasons)}" for each in ready]


def _name(row: ProcessRow) -> str:
    return f"{row.kind} of {row.venue}" if row.venue else row.kind


def _sum(values: Iterable[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return sum(known) if known else None

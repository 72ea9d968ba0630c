"""Body of the answer about the pipeline. Rates are means of the last half minute; what is unknown is null."""

from msgspec import Struct


class PipelineSource(Struct, frozen=True):
    """A place that was asked: `flink` or a kind of process. `cause`: why it gave no answer."""

    name: str
    address: str
    answers: bool
    cause: str | None = None


class VenueWork(Struct):
    """One venue in a job: records a second, counters since the job's start, and its books or chains.

    `lag_ms`: from the venue's stamp to the output, of the newest record. `prompt_share`: updates that were processed
    within 500 ms of their receipt.
    """

    venue: str
    frames_per_s: float | None = None
    applied_per_s: float | None = None
    prompt_share: float | None = None
    lag_ms: float | None = None
    gaps: int = 0
    stale: int = 0
    dead_letters: int = 0
    books: int = 0
    out_of_sync: int = 0


class JobRow(Struct):
    """One job of Flink. `reasons`: why it does not work as it should; empty for a sound job.

    `busy_share`, `blocked_share`: of the busiest task, 0 to 1; blocked: it waits for the tasks behind it.
    `dead_letters`: those of its venues, and the records that the database cannot store.
    """

    name: str
    state: str
    reasons: list[str]
    uptime_ms: int
    restarts: int | None
    records_per_s: float | None
    records_behind: int | None
    checkpoint_age_ms: int | None
    checkpoint_duration_ms: int | None
    checkpoint_bytes: int | None
    checkpoints_failed: int | None
    busy_share: float | None
    blocked_share: float | None
    venues: list[VenueWork]
    dead_letters: int


class ProcessRow(Struct):
    """One process. `kind`: forwarder, gateway, notify, recorder or ring; `reasons`: why it is unavailable or not ready.

    `lost`: frames or messages dropped; `queued`: frames that wait for the broker; `connections`: open ones to the
    venue, or sockets of clients, of `connections_wanted`.
    """

    kind: str
    address: str
    venue: str | None
    up: bool
    reasons: list[str]
    records_per_s: float | None = None
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    newest_age_ms: float | None = None
    gaps: int | None = None
    lost: int | None = None
    queued: int | None = None
    connections: int | None = None
    connections_wanted: int | None = None


class PipelineTotals(Struct):
    """Big figures: frames a second into the job with books, worst lag and checkpoint age, and sums since the start."""

    frames_per_s: float | None
    lag_ms: float | None
    checkpoint_age_ms: int | None
    books: int
    out_of_sync: int
    gaps: int
    dead_letters: int
    forwarders: int
    forwarders_up: int


class PipelineAnswer(Struct):
    """Jobs and processes. `time`: of the measurement, epoch ms; it is at most two seconds old.

    `away`: a sentence for each part that is unavailable or does not work.
    """

    time: int
    totals: PipelineTotals
    jobs: list[JobRow]
    processes: list[ProcessRow]
    sources: list[PipelineSource]
    away: list[str]

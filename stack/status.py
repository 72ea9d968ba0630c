"""What runs, since when, and where: processes, Flink jobs, topics."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import psutil
from rich.markup import escape
from rich.table import Table

from stack import broker, flink_rest, ready
from stack.broker import TopicSize
from stack.credentials import credentials_file, load_credentials
from stack.flink_processes import SQL_GATEWAY
from stack.flink_rest import Job
from stack.processes import Process, Supervisor
from stack.settings import LOOPBACK, StackSettings

TROUBLED = ("FAILED", "FAILING", "RESTARTING")
MEGABYTE = 1024**2
NAME_WIDTH = 40


@dataclass(frozen=True)
class Found:
    """The state of a stack at one moment. `silent`: the parts that run and yet do not answer."""

    settings: StackSettings
    processes: list[Process]
    restarts: dict[str, int]
    silent: list[str]
    jobs: list[Job]
    topics: list[TopicSize]

    @property
    def well(self) -> bool:
        """Whether every process runs and answers, and no job is in trouble."""
        return (
            bool(self.processes) and all(process.up for process in self.processes) and not self.silent + self.troubled
        )

    @property
    def troubled(self) -> list[str]:
        """Jobs whose newest run fails or restarts."""
        newest = {job.name: job for job in reversed(self.jobs)}
        return [name for name, job in newest.items() if job.state in TROUBLED]


def inspect(settings: StackSettings) -> Found:
    """Look at a stack; one that is down has no processes."""
    supervisor = Supervisor(settings.home)
    if not supervisor.alive():
        return Found(settings, [], {}, [], [], [])
    probes = ready.probes(settings, load_credentials(settings), supervisor)
    silent = [part for part, probe in probes.items() if not ready.answers(probe)]
    return Found(
        settings,
        supervisor.processes(),
        supervisor.restarts(),
        silent,
        _jobs(settings),
        [] if "kafka" in silent else broker.topic_sizes(settings),
    )


def tables(found: Found) -> list[Table | str]:
    """What was found, to be printed."""
    if not found.processes:
        return [f"Nothing runs in {found.settings.home}: `depthflow up` starts it."]
    silent = [f"[red]{part} does not answer: `depthflow logs {_log_of(part)}`[/red]" for part in found.silent]
    return [_process_table(found), *silent, _job_table(found.jobs), _topic_table(found.topics)]


def endpoints(settings: StackSettings, gateway: bool) -> Table:
    """Where to reach each part, and where its password is."""
    table = Table(box=None, show_header=False, pad_edge=False)
    secret = credentials_file(settings.home)
    table.add_row("Kafka", settings.kafka_bootstrap)
    table.add_row("Flink", settings.flink_url)
    if gateway:
        table.add_row("SQL gateway", settings.gateway_url)
    table.add_row("PostgreSQL", f"{LOOPBACK}:{settings.postgres_port}/depthflow", f"POSTGRES_DSN in {secret}")
    table.add_row("Valkey", f"{LOOPBACK}:{settings.redis_port}", f"REDIS_URL in {secret}")
    table.add_row("FLINK_HOME", str(settings.home / "flink"))
    return table


def _jobs(settings: StackSettings) -> list[Job]:
    try:
        return flink_rest.jobs(settings)
    except OSError:
        return []


def _process_table(found: Found) -> Table:
    table = _table("process", "state", "pid", "up for", "restarts", "memory", "endpoint")
    where = {
        "kafka": found.settings.kafka_bootstrap,
        "postgres": f"{LOOPBACK}:{found.settings.postgres_port}",
        "valkey": f"{LOOPBACK}:{found.settings.redis_port}",
        "jobmanager": found.settings.flink_url,
        SQL_GATEWAY: found.settings.gateway_url,
    }
    for process in found.processes:
        color = "green" if process.state == "RUNNING" else "yellow" if process.up else "red"
        table.add_row(
            process.name,
            f"[{color}]{process.state.lower()}[/{color}]",
            str(process.pid or ""),
            _duration(time.time() - process.started) if process.up else "",
            str(found.restarts.get(process.name, 0)),
            _memory(process.pid),
            where.get(process.name, "") if process.up else process.detail,
        )
    return table


def _job_table(jobs: Iterable[Job]) -> Table | str:
    table = _table("job", "state", "for", "restarts", "id")
    for job in jobs:
        color = "green" if job.state == "RUNNING" else "red" if job.state in TROUBLED else "dim"
        restarts = "" if job.restarts is None else str(job.restarts)
        table.add_row(
            _job_name(job),
            f"[{color}]{job.state.lower()}[/{color}]",
            _duration(job.duration_ms / 1000),
            restarts,
            job.id,
        )
    return table if table.row_count else "No jobs: `depthflow submit books` starts the first."


def _topic_table(topics: Iterable[TopicSize]) -> Table:
    table = _table("topic", "partitions", "records", "size")
    for topic in topics:
        table.add_row(topic.name, str(topic.partitions), f"{topic.records:,}", f"{topic.bytes / MEGABYTE:,.1f} MiB")
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    for column in columns:
        numeric = column in ("pid", "up for", "for", "restarts", "memory", "partitions", "records", "size")
        table.add_column(column, justify="right" if numeric else "left", no_wrap=True)
    return table


def _job_name(job: Job) -> str:
    """A query's name is its whole text, in lines."""
    line = job.name.partition("\n")[0]
    return escape(line if len(line) <= NAME_WIDTH else f"{line[: NAME_WIDTH - 1]}…")


def _memory(pid: int) -> str:
    try:
        return f"{psutil.Process(pid).memory_info().rss / MEGABYTE:,.0f} MiB" if pid else ""
    except psutil.Error:
        return ""


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=int(seconds)))


def _log_of(part: str) -> str:
    return "jobmanager" if part == "flink" else part

"""Tables of `depthflow status`, and the addresses that `depthflow up` prints."""

import time
from collections.abc import Iterable
from datetime import timedelta

import psutil
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from stack.services import dashboard
from stack.services.broker import TopicSize
from stack.services.credentials import credentials_file
from stack.services.dashboard import DASHBOARD
from stack.services.flink_processes import SQL_GATEWAY
from stack.services.flink_rest import Job
from stack.services.health import log_name
from stack.services.observation import is_observed
from stack.services.rest_gateway import REST_GATEWAY
from stack.services.settings import LOOPBACK, StackSettings
from stack.services.status import ENDED_STATES, FAILING_STATES, StackStatus

MEGABYTE = 1024**2
NUMERIC = ("pid", "up for", "for", "restarts", "memory", "partitions", "records", "size")


def tables(status: StackStatus) -> list[Table | Group | str]:
    """The status as tables and lines to print."""
    if not status.processes:
        return [f"Nothing runs in {status.settings.home}: `depthflow up` starts it."]
    unresponsive = [
        f"[red]{part} does not respond: `depthflow logs {log_name(part)}`[/red]"
        for part in status.unresponsive
        if part != "flink" or not status.cluster_waits_for
    ]
    return [_process_table(status), *unresponsive, *_waiting(status), _job_table(status), _topic_table(status.topics)]


def _waiting(status: StackStatus) -> list[str]:
    """A line for each condition for which the cluster or a job waits."""
    cluster = [f"Flink waits for {status.cluster_waits_for}."] if status.cluster_waits_for else []
    jobs = [f"{escape(job.short_name)} waits for {job.waits_for}." for job in status.jobs if job.waits_for]
    return [f"[yellow]{line}[/yellow]" for line in [*cluster, *jobs]]


def endpoints(settings: StackSettings, gateway: bool, serve: bool = False) -> Table:
    """Address of each part, and the file with its password."""
    table = Table(box=None, show_header=False, pad_edge=False)
    secret = credentials_file(settings.home)
    table.add_row("Kafka", settings.kafka_bootstrap)
    table.add_row("Flink", settings.flink_url)
    if gateway:
        table.add_row("SQL gateway", settings.gateway_url)
    if serve:
        table.add_row("page", f"{settings.serve_url}/live", "`depthflow login-link` prints a login")
        table.add_row("REST", f"{settings.serve_url}/api/docs")
        table.add_row("sockets", f"http://{LOOPBACK}:{settings.serve_socket_port}")
        if dashboard.installed():
            table.add_row("dashboard", settings.dashboard_url)
    table.add_row("PostgreSQL", f"{LOOPBACK}:{settings.postgres_port}/depthflow", f"POSTGRES_DSN in {secret}")
    table.add_row("Valkey", f"{LOOPBACK}:{settings.redis_port}", f"REDIS_URL in {secret}")
    if is_observed(settings.home):
        table.add_row("Prometheus", settings.prometheus_url)
        table.add_row("Alertmanager", settings.alertmanager_url)
    table.add_row("FLINK_HOME", str(settings.home / "flink"))
    return table


def _process_table(status: StackStatus) -> Table:
    table = _table("process", "state", "pid", "up for", "restarts", "memory", "endpoint")
    addresses = {
        "kafka": status.settings.kafka_bootstrap,
        "postgres": f"{LOOPBACK}:{status.settings.postgres_port}",
        "valkey": f"{LOOPBACK}:{status.settings.redis_port}",
        "jobmanager": status.settings.flink_url,
        "zookeeper": f"{LOOPBACK}:{status.settings.zookeeper_port}",
        SQL_GATEWAY: status.settings.gateway_url,
        REST_GATEWAY: status.settings.serve_url,
        DASHBOARD: status.settings.dashboard_url,
    }
    for process in status.processes:
        color = "green" if process.state == "RUNNING" else "yellow" if process.up else "red"
        table.add_row(
            process.name,
            f"[{color}]{process.state.lower()}[/{color}]",
            str(process.pid or ""),
            _duration(time.time() - process.started) if process.up else "",
            str(status.restarts.get(process.name, 0)),
            _memory(process.pid),
            addresses.get(process.name, "") if process.up else process.detail,
        )
    return table


def _job_table(status: StackStatus) -> Group | str:
    """Jobs that have not ended, and runs that failed and were not repeated; of other ended jobs only their number."""
    shown = shown_jobs(status.jobs, status.failing_jobs)
    ended = len(status.jobs) - len(shown)
    found: Table | str = "No job is running: `depthflow submit books` starts the first one."
    lines = [_active_jobs(shown) if shown else found]
    if ended:
        lines.append(f"[dim]Not shown: {ended} ended jobs and queries; {status.settings.flink_url} lists them.[/dim]")
    return Group(*lines)


def shown_jobs(jobs: Iterable[Job], failing: Iterable[str]) -> list[Job]:
    """Jobs for the table, running ones first. Of a job name that is failing, the newest run is shown if it has ended.

    `jobs`: newest first. `failing`: names of the jobs whose newest run fails.
    """
    jobs, unseen = list(jobs), set(failing)
    shown = []
    for job in jobs:
        if job.state not in ENDED_STATES or job.name in unseen:
            shown.append(job)
        unseen.discard(job.name)
    return sorted(shown, key=lambda job: job.state != "RUNNING")


def _active_jobs(jobs: Iterable[Job]) -> Table:
    table = _table("job", "state", "for", "restarts", "id")
    for job in jobs:
        color = "green" if job.state == "RUNNING" else "red" if job.state in FAILING_STATES else "dim"
        table.add_row(
            escape(job.short_name),
            f"[{color}]{job.state.lower()}[/{color}]",
            _duration(job.duration_ms / 1000),
            "" if job.restarts is None else str(job.restarts),
            job.id,
        )
    return table


def _topic_table(topics: Iterable[TopicSize]) -> Table:
    table = _table("topic", "partitions", "records", "size")
    for topic in topics:
        table.add_row(topic.name, str(topic.partitions), f"{topic.records:,}", f"{topic.bytes / MEGABYTE:,.1f} MiB")
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column in NUMERIC else "left", no_wrap=True)
    return table


def _memory(pid: int) -> str:
    try:
        return f"{psutil.Process(pid).memory_info().rss / MEGABYTE:,.0f} MiB" if pid else ""
    except psutil.Error:
        return ""


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=int(seconds)))

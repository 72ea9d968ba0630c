"""Start and stop of the stack."""

import shutil
from collections.abc import Callable

import psutil

from core.settings import Settings
from ingestion.topics import ensure_topics
from stack.services import (
    dashboard,
    demo_process,
    flink_clients,
    health,
    home,
    observation,
    postgres,
    recovery,
    rest_gateway,
)
from stack.services.bootstrap import start_processes
from stack.services.cds_archives import collect_archives
from stack.services.credentials import load_credentials, require_passwords
from stack.services.dashboard import DASHBOARD
from stack.services.errors import StackError
from stack.services.flink_processes import SQL_GATEWAY
from stack.services.health import HealthCheck
from stack.services.orphans import terminate_orphans
from stack.services.ports import check_ports
from stack.services.progress import Progress
from stack.services.rest_gateway import REST_GATEWAY
from stack.services.settings import StackSettings
from stack.services.supervisor import Supervisor

SHUTDOWN_S = 150
Wait = Callable[[str, HealthCheck], None]


def up(
    settings: StackSettings,
    progress: Progress,
    gateway: bool = False,
    resume: bool = True,
    serve: bool = False,
    observe: bool = False,
    wait_served: bool = True,
) -> bool:
    """Start everything that is not running and wait until every part responds. False if all of it ran already.

    `gateway`: also start the SQL gateway; `serve`: the gateway of REST and sockets, and the dashboard if it is
    installed; `observe`: Prometheus with metrics of every process, which a stack that runs without them refuses.
    `resume`: jobs that ran when an earlier stack ended go on from their newest checkpoints; otherwise they are
    forgotten. A stack that runs already is left as it is. Without `wait_served` the gateway has
    only begun to start when this returns, and the dashboard is not started.
    """
    home.create(settings)
    with home.exclusive(settings.home):
        supervisor = Supervisor(settings.home)
        wait_for = _waiting(settings, supervisor, progress)
        credentials = load_credentials(settings)
        if supervisor.is_alive():
            _refuse_other_settings(settings)
            require_passwords(settings)
            if observe:
                observation.require_observed(settings.home)
            started, recovers = _start_ended_programs(supervisor), False
        else:
            _wait_ended(supervisor.process())  # it may be ending
            start_processes(settings, credentials, supervisor, progress, resume, observe)
            started = recovers = True
        if gateway:
            started |= _start_gateway(settings, supervisor)
        for part, check in health.health_checks(settings, credentials, supervisor).items():
            wait_for(part, check)
        with progress.step("creating topics and tables"):
            pipeline = Settings(depthflow_home=settings.home)
            ensure_topics(settings.kafka_bootstrap, pipeline.topic_partitions, prefix=pipeline.topic_prefix)
            postgres.apply_schema(settings, credentials)
        if serve:
            started |= rest_gateway.start(settings, supervisor)  # it needs the tables
        if serve and wait_served:
            started |= _serve_all(settings, supervisor, wait_for)
        if recovers:
            recovery.wait_for_jobs(settings, progress)
        return started


def wait_for_gateway(settings: StackSettings, progress: Progress) -> None:
    """Wait until the gateway, which `up` has begun to start, responds."""
    wait_for = _waiting(settings, Supervisor(settings.home), progress)
    wait_for(REST_GATEWAY, lambda: rest_gateway.responds(settings))


def serve_all(settings: StackSettings, progress: Progress) -> None:
    """Wait for the gateway, which `up` has begun to start, and start the dashboard."""
    with home.exclusive(settings.home):
        supervisor = Supervisor(settings.home)
        _serve_all(settings, supervisor, _waiting(settings, supervisor, progress))


def _serve_all(settings: StackSettings, supervisor: Supervisor, wait_for: Wait) -> bool:
    """Wait for the gateway, start the dashboard and wait for it. False if the dashboard ran already."""
    if not rest_gateway.responds(settings):
        wait_for(REST_GATEWAY, lambda: rest_gateway.responds(settings))
    started = dashboard.start(settings, supervisor)
    if started:
        wait_for(DASHBOARD, lambda: dashboard.responds(settings))
    return started


def _waiting(settings: StackSettings, supervisor: Supervisor, progress: Progress) -> Wait:
    """A function that waits until the check of a part passes."""

    def wait_for(part: str, check: HealthCheck) -> None:
        with progress.step(f"waiting for {part}"):
            health.wait_until_healthy(part, check, supervisor, settings.stack_start_timeout_s)

    return wait_for


def down(settings: StackSettings, wipe: bool = False) -> bool:
    """Stop every process of this stack, a demo that runs on it first; with `wipe` also remove its data.

    False if nothing was running.
    """
    if not home.exists(settings.home):
        return False
    demo_process.end(settings.home)
    with home.exclusive(settings.home):
        supervisor = Supervisor(settings.home)
        process = supervisor.process()
        if process is not None:
            supervisor.shutdown()
            _wait_ended(process)
        running = process is not None
        running |= bool(terminate_orphans(settings))
        collect_archives(settings)
        flink_clients.archive(settings)
        if wipe:
            shutil.rmtree(postgres.shared_folder(settings), ignore_errors=True)
            shutil.rmtree(settings.home)
        return running


def _start_ended_programs(supervisor: Supervisor) -> bool:
    """Start the programs that supervisord no longer restarts. False if there are none."""
    ended = [process.name for process in supervisor.processes() if process.state in ("FATAL", "EXITED", "STOPPED")]
    for name in ended:
        supervisor.start_program(name)
    return bool(ended)


def _start_gateway(settings: StackSettings, supervisor: Supervisor) -> bool:
    """Start the SQL gateway. False if it was running already."""
    if supervisor.is_started(SQL_GATEWAY):
        return False
    check_ports(settings.gateway_port)
    supervisor.start_program(SQL_GATEWAY)
    return True


def _refuse_other_settings(settings: StackSettings) -> None:
    running = home.recorded(settings.home).model_dump()
    # The timeout belongs to this call. The folder is the same one, but may be given as a relative path.
    requested = settings.model_dump(exclude={"stack_start_timeout_s", "depthflow_home"})
    differing = [name for name, value in requested.items() if running[name] != value]
    if differing:
        raise StackError(
            "The stack runs with " + ", ".join(f"{name.upper()}={running[name]}" for name in differing),
            "Run `depthflow down` first, then `up` with the new settings",
        )


def _wait_ended(supervisord: psutil.Process | None) -> None:
    if supervisord is not None and psutil.wait_procs([supervisord], SHUTDOWN_S)[1]:
        supervisord.kill()  # its children are then ended as orphans

"""Bring the stack up, take it down."""

import shutil

import psutil

from ingestion.topics import ensure_topics
from market.settings import Settings
from stack import home, postgres, ready
from stack.archives import keep_archives
from stack.credentials import load_credentials
from stack.errors import StackError
from stack.flink_processes import SQL_GATEWAY
from stack.launch import launch
from stack.orphans import end_orphans
from stack.ports import check_ports
from stack.processes import Supervisor
from stack.report import Reporter
from stack.settings import StackSettings

PATIENCE_S = 90


def up(settings: StackSettings, report: Reporter, gateway: bool = False) -> bool:
    """Start what is not running, wait until every part answers. False if all of it ran already.

    `gateway`: the SQL gateway as well.
    """
    home.make(settings)
    with home.only_one(settings.home):
        supervisor = Supervisor(settings.home)
        credentials = load_credentials(settings)
        if supervisor.alive():
            _refuse_other_settings(settings)
            started = _revive(supervisor)
        else:
            launch(settings, credentials, supervisor, report)
            started = True
        if gateway:
            started |= _start_gateway(settings, supervisor)
        for part, probe in ready.probes(settings, credentials, supervisor).items():
            with report.step(f"waiting for {part}"):
                ready.wait_until(part, probe, supervisor, settings.stack_start_timeout_s)
        with report.step("topics and tables"):
            shared = Settings()
            ensure_topics(settings.kafka_bootstrap, shared.topic_partitions, prefix=shared.topic_prefix)
            postgres.apply_schema(settings, credentials)
        return started


def down(settings: StackSettings, wipe: bool = False) -> bool:
    """Stop every process of this stack; with `wipe` remove its data as well. False if nothing was running."""
    if not home.exists(settings.home):
        return False
    with home.only_one(settings.home):
        supervisor = Supervisor(settings.home)
        running = supervisor.alive()
        if running:
            pid = supervisor.pid()
            supervisor.shutdown()
            _wait_gone(pid)
        running |= bool(end_orphans(settings))
        keep_archives(settings)
        if wipe:
            shutil.rmtree(postgres.shared_folder(settings), ignore_errors=True)
            shutil.rmtree(settings.home)
        return running


def _revive(supervisor: Supervisor) -> bool:
    """Start what supervisord has given up."""
    gone = [process.name for process in supervisor.processes() if process.state in ("FATAL", "EXITED", "STOPPED")]
    for name in gone:
        supervisor.start_program(name)
    return bool(gone)


def _start_gateway(settings: StackSettings, supervisor: Supervisor) -> bool:
    """Start the SQL gateway. False if it runs already."""
    if supervisor.has(SQL_GATEWAY):
        return False
    check_ports(settings.gateway_port)
    supervisor.start_program(SQL_GATEWAY)
    return True


def _refuse_other_settings(settings: StackSettings) -> None:
    running = home.recorded(settings.home).model_dump()
    wanted = settings.model_dump(exclude={"stack_start_timeout_s"})  # ours to choose, not the running stack's
    differing = [name for name, value in wanted.items() if running[name] != value]
    if differing:
        raise StackError(
            "The stack runs with " + ", ".join(f"{name.upper()}={running[name]}" for name in differing),
            "`depthflow down` first, then `up` with the new settings",
        )


def _wait_gone(pid: int) -> None:
    try:
        psutil.Process(pid).wait(timeout=PATIENCE_S)
    except psutil.NoSuchProcess:
        pass
    except psutil.TimeoutExpired:
        psutil.Process(pid).kill()  # what it leaves behind is found as orphans next

"""Restart of TaskManagers after code changes: in thread mode a TaskManager never reloads a Python module.

A job brings the folder of its code (`jobs.submit.run_command`), so that an installation beside the one that started the
stack submits its own code. A TaskManager that has run another installation's job has that one's modules in memory.
"""

from pathlib import Path

from core.resources import ROOT
from core.settings import Settings
from stack.services import flink_rest, health
from stack.services.errors import StackError
from stack.services.flink_rest import CHECKPOINT, SLOTS, TaskManager
from stack.services.home import recorded
from stack.services.polling import poll_until
from stack.services.settings import StackSettings
from stack.services.supervisor import Supervisor

INSTALLATION = Path("run", "installation")  # the folder of the code that was submitted last, below the stack's
IMPORTED = ("core", "market", "venues", "jobs")  # the packages that a TaskManager imports


def prepare_submission(settings: Settings) -> None:
    """Restart idle TaskManagers that are older than the code, if `settings` lead to the local stack's cluster."""
    stack = recorded(settings.home)
    if settings.flink_rest_url == stack.flink_url and Supervisor(stack.home).is_alive():
        newer_than = max(newest_source(), record_installation(stack.home))
        try:
            restart_idle_taskmanagers(stack, newer_than)
        except OSError as error:
            reason = flink_rest.cluster_waits_for(stack) or str(error)
            raise StackError(f"Flink is not ready: it waits for {reason}", "`depthflow status` shows it") from error


def record_installation(home: Path, root: Path = ROOT) -> float:
    """Record whose code is submitted. Returns the time of the last change of the installation, epoch seconds."""
    file = home / INSTALLATION
    if not file.exists() or file.read_text() != str(root):
        file.write_text(str(root))
    return file.stat().st_mtime


def restart_idle_taskmanagers(settings: StackSettings, newer_than: float) -> list[str]:
    """Restart the TaskManagers that run nothing and started before `newer_than` (epoch seconds).

    Returns their names once all of them have registered again. A busy TaskManager is left alone. While a recovering job
    waits for slots, an idle one is about to become busy: this function waits until such jobs have their slots.
    """
    supervisor = Supervisor(settings.home)
    outdated = {process.name for process in supervisor.processes() if process.started < newer_than}

    def replaceable() -> set[TaskManager] | None:
        idle = {worker for worker in flink_rest.taskmanagers(settings) if worker.idle and worker.id in outdated}
        return None if idle and _jobs_without_slots(settings) else idle

    replaced = poll_until(
        lambda: [found] if (found := replaceable()) is not None else [],
        settings.stack_start_timeout_s,
        lambda: StackError(
            f"{', '.join(_jobs_without_slots(settings))} still wait for slots", "`depthflow status` shows the jobs"
        ),
    )[0]
    names = sorted(worker.id for worker in replaced)
    supervisor.restart(names)

    def all_registered() -> bool:
        fresh = set(flink_rest.taskmanagers(settings)) - replaced
        return set(names) <= {worker.id for worker in fresh}

    health.wait_until_healthy("flink", all_registered, supervisor, settings.stack_start_timeout_s)
    return names


def _jobs_without_slots(settings: StackSettings) -> list[str]:
    return [job.short_name for job in flink_rest.jobs(settings) if job.waits_for in (CHECKPOINT, SLOTS)]


def newest_source(root: Path = ROOT) -> float:
    """Time of the last change to a module that TaskManagers import, epoch seconds."""
    return max(file.stat().st_mtime for folder in IMPORTED for file in (root / folder).rglob("*.py"))

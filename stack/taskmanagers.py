"""Fresh TaskManagers for changed code: in thread mode a TaskManager keeps every Python module it ever imported."""

from stack import flink_rest, ready
from stack.processes import Supervisor
from stack.settings import StackSettings


def refresh_idle_taskmanagers(settings: StackSettings, newer_than: float) -> list[str]:
    """Restart the TaskManagers that run nothing and started before `newer_than` (epoch seconds).

    Returns their names once all of them have registered again. A busy TaskManager is left alone.
    """
    supervisor = Supervisor(settings.home)
    idle = {worker for worker in flink_rest.taskmanagers(settings) if worker.idle}
    old = {process.name for process in supervisor.processes() if process.started < newer_than}
    replaced = {worker for worker in idle if worker.id in old}
    names = sorted(worker.id for worker in replaced)
    supervisor.restart(names)

    def back() -> bool:
        fresh = set(flink_rest.taskmanagers(settings)) - replaced
        return set(names) <= {worker.id for worker in fresh}

    ready.wait_until("flink", back, supervisor, settings.stack_start_timeout_s)
    return names

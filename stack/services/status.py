"""State of the stack: processes, Flink jobs and topics."""

from dataclasses import dataclass

from stack.services import broker, flink_rest, health
from stack.services.broker import TopicSize
from stack.services.credentials import load_credentials
from stack.services.flink_rest import Job
from stack.services.settings import StackSettings
from stack.services.supervisor import Process, Supervisor

FAILING_STATES = ("FAILED", "FAILING", "RESTARTING")
ENDED_STATES = ("FINISHED", "CANCELED", "FAILED")


@dataclass(frozen=True)
class StackStatus:
    """State of a stack at one moment. `unresponsive`: parts that do not respond although the supervisor runs."""

    settings: StackSettings
    processes: list[Process]
    restarts: dict[str, int]
    unresponsive: list[str]
    jobs: list[Job]
    topics: list[TopicSize]
    cluster_waits_for: str = ""

    @property
    def healthy(self) -> bool:
        """True if every process runs and responds, and no job is failing."""
        running = bool(self.processes) and all(process.up for process in self.processes)
        return running and not self.unresponsive and not self.failing_jobs

    @property
    def failing_jobs(self) -> list[str]:
        """Names of the jobs whose newest run fails or restarts."""
        newest = {job.name: job for job in reversed(self.jobs)}
        return [name for name, job in newest.items() if job.state in FAILING_STATES]


def inspect(settings: StackSettings) -> StackStatus:
    """State of a stack; without processes if it is down."""
    supervisor = Supervisor(settings.home)
    if not supervisor.is_alive():
        return StackStatus(settings, [], {}, [], [], [])
    checks = health.health_checks(settings, load_credentials(settings), supervisor)
    unresponsive = [part for part, check in checks.items() if not health.is_healthy(check)]
    return StackStatus(
        settings,
        supervisor.processes(),
        supervisor.restarts(),
        unresponsive,
        _jobs(settings),
        [] if "kafka" in unresponsive else broker.topic_sizes(settings),
        flink_rest.cluster_waits_for(settings),
    )


def _jobs(settings: StackSettings) -> list[Job]:
    try:
        return flink_rest.jobs(settings)
    except OSError:
        return []

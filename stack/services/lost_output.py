"""Output that a running job could not commit, as its Kafka sinks count it."""

from urllib.parse import quote

from stack.services import flink_rest
from stack.services.settings import StackSettings

COUNTER = ".failedCommittables"


def lost_commits(settings: StackSettings, job_id: str) -> int:
    """Number of checkpoints and sinks whose transactions the broker had aborted, since the last start of the job.

    Raises OSError when the JobManager does not respond.
    """
    lost = 0
    for vertex in flink_rest.get(settings, f"/jobs/{job_id}")["vertices"]:
        if "Committer" not in vertex["name"]:
            continue
        path = f"/jobs/{job_id}/vertices/{vertex['id']}/subtasks/metrics"
        counters = [each["id"] for each in flink_rest.get(settings, path) if each["id"].endswith(COUNTER)]
        for counter in counters:
            (found,) = flink_rest.get(settings, f"{path}?get={quote(counter)}&agg=sum")
            lost += int(found["sum"])
    return lost

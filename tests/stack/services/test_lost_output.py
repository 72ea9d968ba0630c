"""Output that a job could not commit, from Flink's counters."""

from typing import Any

import pytest

from stack.services import flink_rest
from stack.services.lost_output import lost_commits
from stack.services.settings import StackSettings

SINKS = "/jobs/a/vertices/2/subtasks/metrics"
COUNTER = "job_output_sink[11]__Committer.failedCommittables"
RESPONSES: dict[str, Any] = {
    "/jobs/a": {
        "vertices": [{"id": "1", "name": "Source"}, {"id": "2", "name": "Writer -> job_output_sink: Committer"}]
    },
    SINKS: [{"id": COUNTER}, {"id": "job_output_sink[11]__Committer.successfulCommittables"}],
    f"{SINKS}?get=job_output_sink%5B11%5D__Committer.failedCommittables&agg=sum": [{"id": COUNTER, "sum": 2.0}],
}


def test_the_failed_commits_of_the_sinks_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flink_rest, "get", lambda settings, path: RESPONSES[path])
    assert lost_commits(StackSettings(), "a") == 2

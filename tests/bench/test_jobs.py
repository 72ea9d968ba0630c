"""Requirements of benchmarks on the cluster, checked before topics are filled."""

import pytest

from bench.jobs import prepare, slots_of
from jobs.submit import FlinkCluster, SubmitError


def test_the_slots_of_a_job_are_those_of_its_options() -> None:
    assert slots_of([]) == 1
    assert slots_of(["-Dpython.execution-mode=thread", "--parallelism=12"]) == 12


def test_a_cluster_with_fewer_slots_than_all_jobs_need_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.jobs.remove_left_overs", lambda settings: None)
    monkeypatch.setattr(FlinkCluster, "running", lambda self, job: [])
    monkeypatch.setattr(FlinkCluster, "free_slots", lambda self: 3)
    with pytest.raises(SubmitError, match="has 3 free of the 4 slots that this needs"):
        prepare("alerts", "analytics", options=["--parallelism=2"])

import pytest

from jobs.connectors import WithoutCheckpoints, table_environment
from market.settings import Settings


def test_a_job_that_would_never_commit_is_refused_with_the_setting_that_is_missing() -> None:
    with pytest.raises(WithoutCheckpoints, match="execution.checkpointing.interval is not set"):
        table_environment(Settings(), "books")


def test_a_job_that_does_not_wait_for_commits_needs_no_checkpoints() -> None:
    tables = table_environment(Settings(delivery_guarantee="at-least-once", topic_prefix="desk."), "books")
    assert tables.get_config().get("pipeline.name", "") == "desk.books"

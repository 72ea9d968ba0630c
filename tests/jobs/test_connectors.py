"""Table environments: exactly-once output needs checkpoints."""

import pytest

from core.settings import Settings
from jobs.connectors import WithoutCheckpoints, table_environment


def test_a_job_that_would_never_commit_is_refused_with_the_missing_setting() -> None:
    with pytest.raises(WithoutCheckpoints, match="execution.checkpointing.interval is not set"):
        table_environment(Settings(), "books")


def test_a_job_with_at_least_once_output_needs_no_checkpoints() -> None:
    tables = table_environment(Settings(delivery_guarantee="at-least-once", topic_prefix="test."), "books")
    assert tables.get_config().get("pipeline.name", "") == "test.books"

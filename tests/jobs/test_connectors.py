"""Table environments and connector options: exactly-once output needs checkpoints, raw frames are gathered."""

import pytest

from core.settings import Settings
from jobs import alerts
from jobs.connectors import WithoutCheckpoints, sql_options, table_environment


def test_a_job_that_would_never_commit_is_refused_with_the_missing_setting() -> None:
    with pytest.raises(WithoutCheckpoints, match="execution.checkpointing.interval is not set"):
        table_environment(Settings(), "books")


def test_a_job_with_at_least_once_output_needs_no_checkpoints() -> None:
    tables = table_environment(Settings(delivery_guarantee="at-least-once", topic_prefix="test."), "books")
    assert tables.get_config().get("pipeline.name", "") == "test.books"


def test_raw_frames_are_gathered_by_the_broker_and_records_of_other_topics_are_not() -> None:
    options = sql_options(Settings(_env_file=None), "books")
    gathered = "'properties.fetch.min.bytes' = '65536',\n  'properties.fetch.max.wait.ms' = '10'"
    assert gathered in options["kafka_frames"]
    assert "fetch.min.bytes" not in options["kafka"] + options["kafka_evenly"]


def test_the_alerts_job_gathers_its_records_and_reads_them_before_their_commit() -> None:
    options = alerts.options(Settings(_env_file=None, alerts_isolation="read_uncommitted"))
    assert "'properties.fetch.min.bytes' = '65536'" in options["kafka_frames"]
    assert "'properties.isolation.level' = 'read_uncommitted'" in options["kafka_frames"]

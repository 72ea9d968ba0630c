"""`depthflow topics` against a real broker."""

from uuid import uuid4

import pytest
from typer.testing import CliRunner

from core.topics import BOOKS, DAY_MS, RAW_BOOKS
from ingestion.topics import TopicsError
from reader.topics_cli import app, desired_topics
from tests.conftest import Stack


@pytest.fixture
def prefix(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> str:
    """Prefix of topics that belong to this test."""
    name = f"{uuid4().hex[:8]}-"
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka)
    monkeypatch.setenv("TOPIC_PREFIX", name)
    monkeypatch.setenv("COLUMNS", "200")
    return name


def run_topics(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, TopicsError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_the_retention_option_does_not_apply_to_compacted_topics() -> None:
    topics = {topic.name: topic for topic in desired_topics(3)}
    assert topics[RAW_BOOKS.name].retention_ms == 3 * DAY_MS
    assert topics[BOOKS.name].retention_ms is None


def test_topics_are_created_once_and_then_compared(prefix: str) -> None:
    assert f"created {prefix}orderbook.raw" in run_topics("create", "--partitions", "2")
    assert run_topics("create", "--partitions", "2") == "all topics exist as defined\n"
    differs = run_topics("create", "--partitions", "2", "--retention-days", "1", code=1)
    assert f"{prefix}trades: expected retention.ms=86400000, broker has 604800000" in differs


def test_written_records_are_read_back_and_can_be_inspected(prefix: str) -> None:
    assert "50 records of 10 bytes: acknowledged in" in run_topics("produce-test", "-n", "50", "--size", "10")
    _, offset, _, key, value = run_topics("tail", "depthflow.trial", "-n", "1").rstrip().split("\t")
    assert (offset, key, value) == ("49", "trial", "49 xxxxxxxxxx")
    assert run_topics("tail", "depthflow.trial", "-n", "5", "--key", "other") == ""
    assert f"{prefix}depthflow.trial" in run_topics("list")
    assert "50" in run_topics("describe", "depthflow.trial")


def test_an_unknown_topic_is_named(prefix: str) -> None:
    with pytest.raises(
        TopicsError, match=f"^unknown topic {prefix}nope; `depthflow topics list` shows the existing ones$"
    ):
        run_topics("tail", "nope")

"""`depthflow topics` against a real broker."""

from uuid import uuid4

import pytest
from typer.testing import CliRunner

from ingestion.topics import TopicsError
from ingestion.topics_cli import app, wanted
from market.topics import BOOKS, DAY_MS, RAW_BOOKS
from tests.conftest import Stack


@pytest.fixture
def prefix(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> str:
    """Before the names of this test's own topics."""
    name = f"{uuid4().hex[:8]}-"
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka)
    monkeypatch.setenv("TOPIC_PREFIX", name)
    monkeypatch.setenv("COLUMNS", "200")
    return name


def said(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, TopicsError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_a_retention_is_for_topics_that_are_not_compacted() -> None:
    topics = {topic.name: topic for topic in wanted(3)}
    assert topics[RAW_BOOKS.name].retention_ms == 3 * DAY_MS
    assert topics[BOOKS.name].retention_ms is None


def test_topics_are_created_once_and_then_compared(prefix: str) -> None:
    assert f"created {prefix}orderbook.raw" in said("create", "--partitions", "2")
    assert said("create", "--partitions", "2") == "all topics are there, and as promised\n"
    differs = said("create", "--partitions", "2", "--retention-days", "1", code=1)
    assert f"{prefix}trades: expected retention.ms=86400000, broker has 604800000" in differs


def test_what_is_written_comes_back_and_can_be_looked_at(prefix: str) -> None:
    assert "50 records of 10 bytes: acknowledged in" in said("produce-test", "-n", "50", "--size", "10")
    _, offset, _, key, value = said("tail", "depthflow.trial", "-n", "1").rstrip().split("\t")
    assert (offset, key, value) == ("49", "trial", "49 xxxxxxxxxx")
    assert said("tail", "depthflow.trial", "-n", "5", "--key", "other") == ""
    assert f"{prefix}depthflow.trial" in said("list")
    assert "50" in said("describe", "depthflow.trial")


def test_a_topic_that_is_not_there_is_named(prefix: str) -> None:
    with pytest.raises(TopicsError, match=f"^no topic {prefix}nope; those there are: depthflow topics list$"):
        said("tail", "nope")

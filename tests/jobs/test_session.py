"""What a session of the SQL client begins with."""

import re

import pytest

from jobs.queries import QueryError, queries, query
from jobs.relations import files
from jobs.session import relations, script, session_options
from jobs.sql_cli import since_time
from market.errors import UserError
from market.settings import Settings

SETTINGS = Settings(
    _env_file=None,
    kafka_bootstrap_servers="broker:9092",
    postgres_dsn="postgresql://w:secret@db/books",
    flink_rest_url="http://cluster:8081",
    topic_prefix="desk.",
)
NOON_MS = 1767268800000


def text(since_ms: int | None = None, ends: bool = False, wanted: str | None = None) -> str:
    return script(relations(wanted), session_options(SETTINGS, since_ms, ends), SETTINGS, ends)


def test_every_relation_is_there_after_what_it_is_made_of() -> None:
    found = relations()
    assert sorted(found) == sorted(f"{path.parent.name}/{name}" for name, path in files().items())
    for before, after in (("sources/processed", "views/book_moments"), ("functions/standing", "views/book_seconds")):
        assert found.index(before) < found.index(after)
    assert found.index("views/imbalance_flips") < found.index("views/alerts")


def test_a_query_is_given_what_it_is_made_of() -> None:
    assert relations(query("trade_flow").text()) == ["sources/trades", "views/good_trades"]
    assert relations("SELECT * FROM sums_1s")[-1] == "views/sums_1s"


@pytest.mark.parametrize("name", queries())
def test_every_query_reads_relations_that_there_are(name: str) -> None:
    assert any(found.startswith("sources/") for found in relations(query(name).text()))


def test_a_session_joins_no_group_and_reads_from_its_time() -> None:
    assert "scan.startup.timestamp-millis' = '1767268800000'" in text(NOON_MS)
    assert "'scan.startup.mode' = 'earliest-offset'" in text()
    assert set(re.findall(r"'properties.group.id' = '(.*)'", text())) == {"desk.depthflow-sql"}  # upsert-kafka's own
    assert "group-offsets" not in text()


def test_the_sources_of_a_query_end_and_those_of_a_session_go_on() -> None:
    bounded = "'scan.bounded.mode' = 'latest-offset'"
    assert bounded in text(ends=True, wanted=query("flips").text()) and bounded not in text()
    assert "SET 'execution.runtime-mode' = 'batch'" in text(ends=True) and "runtime-mode" not in text()


def test_jobs_of_a_session_run_on_the_cluster_of_the_settings() -> None:
    assert "SET 'rest.address' = 'cluster';\n\nSET 'rest.port' = '8081';" in text()


def test_a_missing_database_is_named() -> None:
    with pytest.raises(UserError, match="^POSTGRES_DSN is not set"):
        session_options(SETTINGS.model_copy(update={"postgres_dsn": Settings(_env_file=None).postgres_dsn}), None, True)


@pytest.mark.parametrize(
    ("given", "before_s"), [("90s", 90), ("15m", 900), ("6h", 21600), ("7d", 604800), ("all", None)]
)
def test_how_far_back_a_session_reads(given: str, before_s: int | None) -> None:
    assert since_time(given, NOON_MS / 1000) == (None if before_s is None else NOON_MS - 1000 * before_s)


def test_a_wrong_time_back_says_which_are_right() -> None:
    with pytest.raises(QueryError, match="^--since yesterday: expected 90s, 15m, 6h, 7d or all$"):
        since_time("yesterday", 0.0)

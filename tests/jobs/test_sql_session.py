"""First statements of a session of the SQL client."""

import re

import pytest

from core.errors import UserError
from core.settings import Settings
from jobs.queries import QueryError, queries, query
from jobs.sql_cli import since_time
from jobs.sql_files import files, statement
from jobs.sql_session import relations, script, session_options, split_statements

SETTINGS = Settings(
    _env_file=None,
    kafka_bootstrap_servers="broker:9092",
    postgres_dsn="postgresql://w:secret@db/books",
    flink_rest_url="http://cluster:8081",
    topic_prefix="test.",
)
NOON_MS = 1767268800000


def text(since_ms: int | None = None, ends: bool = False, wanted: str | None = None) -> str:
    return script(relations(wanted), session_options(SETTINGS, since_ms, ends), SETTINGS, ends)


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        ("SELECT 1", ["SELECT 1"]),
        ("-- a; b\nSELECT ';', `;`, \"x;\";\n/* ; */ SELECT 2;", ["SELECT ';', `;`, \"x;\"", "SELECT 2"]),
        ("SELECT 'it''s; fine' -- why; not\nFROM t;;", ["SELECT 'it''s; fine' -- why; not\nFROM t"]),
    ],
)
def test_a_file_is_split_at_semicolons_outside_texts_and_comments(text: str, statements: list[str]) -> None:
    assert split_statements(text) == statements


def test_a_file_declares_the_relations_that_it_names_and_all_if_it_lists_them() -> None:
    assert "sources/trades" in relations("select * from trades;") and len(relations("DESCRIBE trades;")) == 1
    assert len(relations("SHOW TABLES;")) == len(files()) == len(relations())


def test_statements_run_in_batch_mode() -> None:
    """Set before the relations: a view that was declared in streaming mode has another time column."""
    batch = "SET 'execution.runtime-mode' = 'batch';"
    windows = text(ends=True, wanted="SELECT * FROM windows")
    assert 0 < windows.index(batch) < windows.index("CREATE ")


def test_every_source_of_a_session_that_ends_is_bounded() -> None:
    options = session_options(SETTINGS, None, ends=True)
    for name in (name for name in relations() if name.startswith("sources/")):
        text = statement(name, options)
        assert "LIKE" in text or "'scan.bounded.mode' = 'latest-offset'" in text, name


def test_every_relation_is_declared_after_the_relations_that_it_reads() -> None:
    found = relations()
    assert sorted(found) == sorted(f"{path.parent.name}/{name}" for name, path in files().items())
    assert found.index("sources/window_records") < found.index("views/windows")


def test_a_query_gets_the_relations_that_it_reads() -> None:
    assert relations(query("trade_flow").text()) == ["sources/trades"]
    assert relations("SELECT * FROM windows") == ["sources/window_records", "views/windows"]


@pytest.mark.parametrize("name", queries())
def test_every_query_reads_a_source(name: str) -> None:
    assert any(found.startswith("sources/") for found in relations(query(name).text()))


def test_a_session_joins_no_group_and_reads_from_its_start_time() -> None:
    assert "scan.startup.timestamp-millis' = '1767268800000'" in text(NOON_MS)
    assert "'scan.startup.mode' = 'earliest-offset'" in text()
    assert set(re.findall(r"'properties.group.id' = '(.*)'", text())) <= {"test.depthflow-sql"}
    assert "group-offsets" not in text()


def test_the_sources_of_a_query_end_and_those_of_a_session_do_not() -> None:
    bounded = "'scan.bounded.mode' = 'latest-offset'"
    assert bounded in text(ends=True, wanted=query("flips").text()) and bounded not in text()
    assert "runtime-mode" in text(ends=True, wanted=query("flips").text()) and "runtime-mode" not in text()


def test_jobs_of_a_session_run_on_the_cluster_of_the_settings() -> None:
    assert "SET 'rest.address' = 'cluster';\n\nSET 'rest.port' = '8081';" in text()


def test_a_missing_database_is_named() -> None:
    with pytest.raises(UserError, match="^POSTGRES_DSN is not set"):
        session_options(SETTINGS.model_copy(update={"postgres_dsn": Settings(_env_file=None).postgres_dsn}), None, True)


@pytest.mark.parametrize(
    ("given", "before_s"), [("90s", 90), ("15m", 900), ("6h", 21600), ("7d", 604800), ("all", None)]
)
def test_the_start_time_of_a_session(given: str, before_s: int | None) -> None:
    assert since_time(given, NOON_MS / 1000) == (None if before_s is None else NOON_MS - 1000 * before_s)


def test_an_invalid_since_is_refused_with_the_valid_forms() -> None:
    with pytest.raises(QueryError, match="^--since yesterday: expected 90s, 15m, 6h, 7d or all$"):
        since_time("yesterday", 0.0)

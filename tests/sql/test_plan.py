"""Flink's plans of the analytics job and of the analysts' queries from the files of `sql/`; no job runs."""

import json
import re
from typing import Any

import pytest
from pyflink.table import EnvironmentSettings, TableEnvironment

from core.settings import Settings
from jobs.analytics import INSERTS, prepare
from jobs.queries import queries, query
from jobs.sql_files import declare, insert
from jobs.sql_session import relations, session_options
from stack.services.jars import flink_lib_jars

STATELESS = {"calc", "sink", "table-source-scan", "union"}
SOURCES = ["alert_records", "option_chains", "option_surfaces", "statuses", "trade_bars"]
SOURCES += ["underlying_ticks", "window_records"]
SETTINGS = Settings(_env_file=None, postgres_dsn="postgresql://db/books")
LARGEST = 2**31 - 1  # of Flink's intervals in seconds, whatever their precision


def environment(mode: EnvironmentSettings) -> TableEnvironment:
    """A table environment with the connectors of the cluster."""
    tables = TableEnvironment.create(mode)
    tables.get_config().set("table.local-time-zone", "UTC")
    tables.get_config().set("pipeline.jars", ";".join(jar.as_uri() for jar in flink_lib_jars()))
    return tables


@pytest.fixture(scope="module")
def session() -> TableEnvironment:
    """Every relation, as `depthflow sql --query` declares them."""
    tables = environment(EnvironmentSettings.in_batch_mode())
    declare(tables, relations(), session_options(SETTINGS, None, ends=True))
    return tables


@pytest.fixture(scope="module")
def nodes() -> list[dict[str, Any]]:
    """Nodes of the plan, each with its `type` and a `description`."""
    tables = environment(EnvironmentSettings.in_streaming_mode())
    prepare(tables, SETTINGS)
    statements = tables.create_statement_set()
    insert(statements, INSERTS)
    plan = json.loads(statements._j_statement_set.compilePlan().asJsonString())
    return [node | {"type": re.sub(r"stream-exec-|_\d+$", "", node["type"])} for node in plan["nodes"]]


def test_every_source_is_read_once(nodes: list[dict[str, Any]]) -> None:
    scans = [node["description"] for node in nodes if node["type"] == "table-source-scan"]
    assert sorted(re.findall(r"default_database, (\w+)", scan)[0] for scan in scans) == SOURCES


def test_the_job_only_stores(nodes: list[dict[str, Any]]) -> None:
    """No window, no join, no exchange: nothing waits, and no state grows (docs/state.md)."""
    assert {node["type"] for node in nodes} == STATELESS
    assert len([node for node in nodes if node["type"] == "sink"]) == len(INSERTS)


@pytest.mark.parametrize("name", queries())
def test_a_query_takes_the_largest_numbers(session: TableEnvironment, name: str) -> None:
    """An interval has two digits unless its precision says more."""
    numbers = [each.name for each in query(name).parameters.values() if each.kind == "number"]
    plan = session.explain_sql(query(name).text(f"{number}={LARGEST}" for number in numbers))
    assert "Optimized Physical Plan" in plan


def test_a_flip_may_take_as_long_as_its_limit_says(session: TableEnvironment) -> None:
    for within_s in (5, 100, LARGEST):
        assert f"interval=[{within_s}000:INTERVAL" in session.explain_sql(query("flips").text([f"within_s={within_s}"]))

"""Flink's plan of the analytics job from the files of `sql/`; no job runs."""

import json
import re
from typing import Any

import pytest
from pyflink.table import EnvironmentSettings, TableEnvironment

from core.settings import Settings
from jobs.analytics import INSERTS, prepare
from jobs.sql_files import insert
from stack.services.jars import flink_lib_jars

STATELESS = {"calc", "sink", "table-source-scan", "union"}
SOURCES = ["alert_records", "option_chains", "option_surfaces", "statuses", "trade_bars"]
SOURCES += ["underlying_ticks", "window_records"]


@pytest.fixture(scope="module")
def nodes() -> list[dict[str, Any]]:
    """Nodes of the plan, each with its `type` and a `description`."""
    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    tables.get_config().set("table.local-time-zone", "UTC")
    tables.get_config().set("pipeline.jars", ";".join(jar.as_uri() for jar in flink_lib_jars()))
    prepare(tables, Settings(_env_file=None, postgres_dsn="postgresql://db/books"))
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

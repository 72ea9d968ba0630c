"""The plan of the analytics job, as Flink makes it of the files of `sql/`; nothing runs."""

import json
import re
from typing import Any

import pytest
from pyflink.table import EnvironmentSettings, StatementSet, TableEnvironment

from jobs.analytics import INSERTS, prepare
from jobs.relations import insert
from market.settings import Settings
from stack.jars import flink_lib_jars
from stack.settings import ROOT

STATELESS = {
    "calc",
    "correlate",
    "exchange",
    "python-calc",
    "sink",
    "table-source-scan",
    "union",
}
SOURCES = ["alert_rules", "checked_records", "option_chains", "option_surfaces", "processed"]
SOURCES += ["statuses", "trades", "underlying_ticks"]


@pytest.fixture(scope="module")
def statements() -> StatementSet:
    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    tables.get_config().set("table.local-time-zone", "UTC")
    tables.get_config().set("pipeline.jars", ";".join(jar.as_uri() for jar in flink_lib_jars()))
    prepare(tables, Settings(_env_file=None, postgres_dsn="postgresql://db/books"))
    wanted = tables.create_statement_set()
    insert(wanted, INSERTS)
    return wanted


@pytest.fixture(scope="module")
def plan(statements: StatementSet) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(statements._j_statement_set.compilePlan().asJsonString())
    return found


@pytest.fixture(scope="module")
def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """What the job is made of, each with its `type`, a `description`, and where the planner says so its `state`."""
    return [node | {"type": re.sub(r"stream-exec-|_\d+$", "", node["type"])} for node in plan["nodes"]]


def sources(nodes: list[dict[str, Any]]) -> list[str]:
    scans = [node["description"] for node in nodes if node["type"] == "table-source-scan"]
    return sorted(re.findall(r"default_database, (\w+)", scan)[0] for scan in scans)


def before(node: dict[str, Any], nodes: list[dict[str, Any]], plan: dict[str, Any]) -> list[dict[str, Any]]:
    """All that a node's rows, and so its time, come from."""
    reached = [node["id"]]
    for each in reached:
        reached += {edge["source"] for edge in plan["edges"] if edge["target"] == each}.difference(reached)
    return [node for node in nodes if node["id"] in reached]


def test_every_source_is_read_once(nodes: list[dict[str, Any]]) -> None:
    assert sources(nodes) == SOURCES


def test_bars_go_by_the_time_of_trades_and_sweeps_by_that_of_books_too(
    nodes: list[dict[str, Any]], plan: dict[str, Any]
) -> None:
    """Another clock could pass the trades that come with it; alerts go by all clocks that there are."""
    windows = [node for node in nodes if node["type"] == "window-aggregate"]
    (bars,) = [node for node in windows if "notional" in node["description"]]
    (sweeps,) = [node for node in windows if "DISTINCT" in node["description"]]
    assert sources(before(bars, nodes, plan)) == ["trades"]
    assert sources(before(sweeps, nodes, plan)) == ["processed", "statuses", "trades"]


def test_a_tick_is_worked_out_once(nodes: list[dict[str, Any]]) -> None:
    """What several rules read of a tick comes of one aggregate, though Flink would rather make one for each."""
    ticks = [node for node in nodes if node["type"] == "window-aggregate" and "bid_depth" in node["description"]]
    assert len([node for node in ticks if "100 ms" in node["description"]]) == 1


def test_every_state_is_bounded_and_listed(nodes: list[dict[str, Any]]) -> None:
    """docs/state.md has a row for every kind of stateful node there is, and for none that there is not."""
    listed = re.findall(r"^\| `([\w-]+)` \|", (ROOT / "docs" / "state.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted({kind(node) for node in nodes} - STATELESS)


def kind(node: dict[str, Any]) -> str:
    """The node's type; over aggregates are told apart by how far they look back, matches by their bound."""
    said = node["description"]
    if node["type"] == "over-aggregate":
        return "over-all" if "UNBOUNDED" in said else "over-range" if "RANGE BETWEEN" in said else "over-rows"
    assert node["type"] != "match" or node["matchSpec"]["interval"], said
    return str(node["type"])

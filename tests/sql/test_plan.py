"""The plan of the analytics job, as Flink makes it of the files of `sql/`; nothing runs."""

import json
import re

from pyflink.table import EnvironmentSettings, StatementSet, TableEnvironment

from jobs.analytics import INSERTS, JOB, RELATIONS, SINKS, TUNING
from jobs.connectors import sql_options
from jobs.relations import declare, insert
from market.settings import Settings
from stack.jars import flink_lib_jars


def statements(inserts: tuple[str, ...]) -> StatementSet:
    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    tables.get_config().set("table.local-time-zone", "UTC")
    tables.get_config().set("pipeline.jars", ";".join(jar.as_uri() for jar in flink_lib_jars()))
    for option, value in TUNING.items():
        tables.get_config().set(option, value)
    settings = Settings(_env_file=None, postgres_dsn="postgresql://db/books")
    declare(tables, RELATIONS + SINKS, sql_options(settings, JOB))
    wanted = tables.create_statement_set()
    insert(wanted, inserts)
    return wanted


def test_every_source_is_read_once() -> None:
    plan = statements(INSERTS).explain().split("== Optimized Execution Plan ==")[1]
    scans = re.findall(r"TableSourceScan\(table=\[\[default_catalog, default_database, (\w+)", plan)
    assert sorted(scans) == [
        *("alert_rules", "option_chains", "option_surfaces", "processed", "statuses", "trades", "underlying_ticks"),
    ]


def test_a_second_of_metrics_is_forgotten_after_ten_minutes() -> None:
    plan = json.loads(statements(("inserts/orderbook_metrics",))._j_statement_set.compilePlan().asJsonString())
    held = [node["state"] for node in plan["nodes"] if node.get("state")]
    assert held == [[{"index": 0, "ttl": "10 min", "name": "groupAggregateState"}]]

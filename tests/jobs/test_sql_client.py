"""`depthflow sql` on the real stack: Flink's client, records of the broker, results of the cluster."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import pytest

from jobs.sql_client import QueryFailed, run_query
from jobs.sql_files import files
from tests.conftest import Stack
from tests.jobs.isolated_system import IsolatedSystem
from tests.sql.test_queries import INPUTS

TOPICS = {"processed": "orderbook.processed", "trades": "trades"}


@pytest.fixture(scope="module")
def system(stack: Stack) -> IsolatedSystem:
    system = IsolatedSystem(stack, "analyst.")
    for name, topic in TOPICS.items():
        rows = (row for row in INPUTS[name] if isinstance(row, dict))
        system.send((topic, f"{row['venue']}:{row['symbol']}", json.dumps(row).encode()) for row in rows)
    return system


def run(environment: dict[str, str], *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stack", "sql", *arguments]
    child = environment | {"COLUMNS": "200"}
    return subprocess.run(command, env=child, input=given, capture_output=True, text=True, timeout=240)


def environment(system: IsolatedSystem) -> dict[str, str]:
    return system.stack.environment | {"TOPIC_PREFIX": system.settings.topic_prefix}


@pytest.fixture
def secrets_left(system: IsolatedSystem) -> Iterator[list[Path]]:
    """Files with the writer's password that appear during the test; checked after the test's own steps."""
    before = set(Path(gettempdir()).glob("depthflow-sql-*"))
    found: list[Path] = []
    yield found
    password = system.settings.postgres_dsn.get_secret_value().rpartition("@")[0].rpartition(":")[2].encode()
    places = [*(system.stack.home / "logs").rglob("*.log"), Path.home() / ".flink-sql-history"]
    found += [place for place in places if place.is_file() and password in place.read_bytes()]
    found += set(Path(gettempdir()).glob("depthflow-sql-*")) - before
    assert found == []


def test_a_query_over_a_view_prints_a_table_and_ends(system: IsolatedSystem) -> None:
    done = run(environment(system), "--query", "trade_flow", "--set", "venue=bin%")
    assert done.returncode == 0, done.stderr
    head, *rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in head.split("|")][3:7] == ["minute", "trades", "bought", "sold"]
    assert [row.split("|")[-2].strip() for row in rows] == ["-1.0", "3.0"]
    assert "2 rows in set" in done.stdout and "[INFO]" not in done.stdout


def test_a_session_has_every_relation_and_leaves_no_credentials(
    system: IsolatedSystem, secrets_left: list[Path]
) -> None:
    done = run(environment(system), given="SHOW TABLES;\nSHOW USER FUNCTIONS;\nQUIT;\n")
    shown = {line.strip("| ") for line in done.stdout.splitlines() if line.startswith("|")}
    assert done.returncode == 0 and "[ERROR]" not in done.stdout, done.stdout
    assert files().keys() <= shown


def test_a_file_on_standard_input_prints_results_alone(system: IsolatedSystem, secrets_left: list[Path]) -> None:
    text = "-- counts; of all\nSELECT 'a;b' AS x;\nSELECT count(*) AS records FROM processed;\n"
    done = run(environment(system), "--since", "all", given=text)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ") for line in done.stdout.splitlines() if line.startswith("|")]
    assert rows[:3] == ["x", "a;b", "records"] and int(rows[3]) > 0
    for noise in ("Flink SQL>", "[INFO]", "Welcome", "Shutting down", "\x1b"):
        assert noise not in done.stdout


def test_a_statement_that_fails_is_named_with_status_1_and_ends_the_run(system: IsolatedSystem) -> None:
    done = run(environment(system), given="SELECT 1 AS alpha;\nSELECT * FROM nothing;\nSELECT 2 AS omega;\n")
    assert done.returncode == 1
    assert "alpha" in done.stdout and "omega" not in done.stdout
    assert "statement 2 of 3 failed in Flink: SELECT * FROM nothing" in done.stderr
    assert "Object 'nothing' not found" in done.stderr


def test_a_query_that_flink_refuses_is_reported_with_its_reason(system: IsolatedSystem) -> None:
    with pytest.raises(QueryFailed, match="^the query failed in Flink: .*Object 'nothing' not found"):
        run_query(system.settings, "", "SELECT * FROM nothing")


def test_an_unknown_query_exits_with_1_and_the_known_names() -> None:
    done = run(dict(os.environ), "--query", "top")
    assert done.returncode == 1 and "unknown query 'top'; expected one of alert_counts, book_at" in done.stderr
    listed = run(dict(os.environ), "--list").stdout
    assert "top_imbalance" in listed and "symbol=BTCUSDT" in listed and "One row per trade; side is" in listed

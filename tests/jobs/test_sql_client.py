"""`depthflow sql` on the real stack: Flink's client, the broker's records, the cluster's answer."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import pytest

from jobs.relations import files
from jobs.sql_client import QueryFailed, answer
from tests.conftest import Stack
from tests.jobs.desk import Desk
from tests.sql.test_queries import INPUTS

TOPICS = {"processed": "orderbook.processed", "trades": "trades"}


@pytest.fixture(scope="module")
def desk(stack: Stack) -> Desk:
    desk = Desk(stack, "analyst.")
    for name, topic in TOPICS.items():
        rows = (row for row in INPUTS[name] if isinstance(row, dict))
        desk.send((topic, f"{row['venue']}:{row['symbol']}", json.dumps(row).encode()) for row in rows)
    return desk


def run(environment: dict[str, str], *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stack", "sql", *arguments]
    told = environment | {"COLUMNS": "200"}
    return subprocess.run(command, env=told, input=given, capture_output=True, text=True, timeout=240)


def environment(desk: Desk) -> dict[str, str]:
    return desk.stack.environment | {"TOPIC_PREFIX": desk.settings.topic_prefix}


@pytest.fixture
def secrets_left(desk: Desk) -> Iterator[list[Path]]:
    """Files that hold the writer's password and have not before; to be looked at after the test's own steps."""
    before = set(Path(gettempdir()).glob("depthflow-sql-*"))
    found: list[Path] = []
    yield found
    password = desk.settings.postgres_dsn.get_secret_value().rpartition("@")[0].rpartition(":")[2].encode()
    places = [*(desk.stack.home / "logs").rglob("*.log"), Path.home() / ".flink-sql-history"]
    found += [place for place in places if place.is_file() and password in place.read_bytes()]
    found += set(Path(gettempdir()).glob("depthflow-sql-*")) - before
    assert found == []


def test_a_query_over_a_view_answers_with_a_table_and_ends(desk: Desk) -> None:
    done = run(environment(desk), "--query", "trade_flow", "--set", "venue=bin%")
    assert done.returncode == 0, done.stderr
    head, *rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in head.split("|")][3:7] == ["minute", "trades", "bought", "sold"]
    assert [row.split("|")[-2].strip() for row in rows] == ["-1.0", "3.0"]
    assert "2 rows in set" in done.stdout and "[INFO]" not in done.stdout


def test_a_session_has_every_relation_and_leaves_no_credential(desk: Desk, secrets_left: list[Path]) -> None:
    done = run(environment(desk), given="SHOW TABLES;\nSHOW USER FUNCTIONS;\nQUIT;\n")
    shown = {line.strip("| ") for line in done.stdout.splitlines() if line.startswith("|")}
    assert done.returncode == 0 and "[ERROR]" not in done.stdout, done.stdout
    assert files().keys() <= shown


def test_what_flink_refuses_is_said_with_its_reason(desk: Desk) -> None:
    with pytest.raises(QueryFailed, match="^Flink did not answer the query: .*Object 'nothing' not found"):
        answer(desk.settings, "", "SELECT * FROM nothing")


def test_an_unknown_query_ends_with_1_and_the_names() -> None:
    done = run(dict(os.environ), "--query", "top")
    assert done.returncode == 1 and "no query is called 'top': there are alert_counts, book_at" in done.stderr
    listed = run(dict(os.environ), "--list").stdout
    assert "top_imbalance" in listed and "symbol=BTCUSDT" in listed and "One row per trade; side is" in listed

"""Every program of `examples/` runs as its head comment says, against real servers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from core.resources import ROOT
from jobs.submit import cancel
from tests.conftest import Stack, free_ports
from tests.database import running_database
from tests.jobs.isolated_system import IsolatedSystem, wait_until
from tests.reader.test_tables import NOON_MS, window
from tests.valkey import running_valkey

EXAMPLES = ROOT / "examples"
BOOK = "binance:EXAMPLE"
TIMEOUT_S = 120


def processed(ms: int, spread_bps: float | None = 2.0) -> bytes:
    fields = {"venue": "binance", "symbol": "EXAMPLE", "event_time": NOON_MS + ms, "spread_bps": spread_bps}
    return json.dumps(fields | {"mid": None if spread_bps is None else 100.5, "imbalance": 0.25}).encode()


@pytest.fixture(scope="module")
def system(stack: Stack) -> IsolatedSystem:
    """Topics with a few records of one book: 11.5 seconds of metrics, and one window."""
    system = IsolatedSystem(stack, "example.")
    metrics = [processed(0, None), processed(1000, 3.0), processed(2000), processed(11_500)]
    system.send(("orderbook.processed", BOOK, value) for value in metrics)
    system.send([("orderbook.windows", "kraken:BTC/USD", window("1m", 0))])
    return system


def environment(system: IsolatedSystem) -> dict[str, str]:
    stack = system.stack
    return stack.environment | {"KAFKA_BOOTSTRAP_SERVERS": stack.kafka, "TOPIC_PREFIX": system.settings.topic_prefix}


def run(environment: dict[str, str], name: str, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    found = environment | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=found, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_consume_processed_prints_defined_metrics(system: IsolatedSystem) -> None:
    lines = run(environment(system), "consume_processed.py", "4").splitlines()
    assert lines == [f"{BOOK} mid 100.50 imbalance +0.250"] * 3


def test_windows_to_pandas_prints_a_row_per_symbol(system: IsolatedSystem) -> None:
    row = run(environment(system), "windows_to_pandas.py").splitlines()[-1]
    assert row.split()[:6] == ["kraken", "BTC/USD", "2026-01-01", "12:00:00+00:00", "1", "3"]


def test_the_flink_job_prints_the_largest_spread_of_a_window(system: IsolatedSystem) -> None:
    stack = system.stack
    command = [stack.flink_home / "bin" / "flink", "run", "--detached", "--jobmanager", stack.flink_url.split("//")[1]]
    job = [*map(str, command), "--python", str(EXAMPLES / "flink_job.py")]
    done = subprocess.run(job, env=environment(system), capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    row = "widest> +I[binance, EXAMPLE, 2026-01-01T12:00, 3.0]"
    try:
        logs = [stack.home / "logs" / f"{name}.log" for name in stack.settings.taskmanagers]
        wait_until(lambda: any(row in log.read_text() for log in logs if log.exists()), "the row of the first window")
    finally:
        cancel(replace(system.cluster, prefix=""), "widest-spread")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with running_valkey(free_ports(1)[0], tmp_path) as client:
        yield client


def test_subscribe_redis_prints_the_newest_book_and_updates(redis: Redis) -> None:
    book = {"bids": [[100.0, 1.0]], "asks": [[101.0, 2.0]]}
    redis.set(f"orderbook:{BOOK}:latest", json.dumps(book))
    url = f"redis://127.0.0.1:{redis.connection_pool.connection_kwargs['port']}/0"
    command = [sys.executable, str(EXAMPLES / "subscribe_redis.py"), BOOK, "1"]
    with subprocess.Popen(command, env=os.environ | {"REDIS_URL": url}, stdout=subprocess.PIPE, text=True) as example:
        assert example.stdout is not None
        assert example.stdout.readline() == "best bid [100.0, 1.0] best ask [101.0, 2.0]\n"  # subscribed before it
        redis.publish(f"orderbook:{BOOK}", json.dumps(book | {"asks": []}))
        assert example.stdout.read() == "best bid [100.0, 1.0] best ask None\n"
    assert example.returncode == 0


def test_the_grafana_query_returns_a_row_per_symbol_and_step(tmp_path: Path) -> None:
    query = (EXAMPLES / "grafana_query.sql").read_text().replace("$__timeFilter(ts)", "ts BETWEEN %s AND %s")
    columns = "ts, venue, symbol, event_time, update_id, spread_bps, imbalance, levels_bid, levels_ask, depth"
    with running_database(tmp_path) as database:
        dsn = database.create("grafana")
        database.psql(dsn)
        with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
            for second, imbalance in ((1, 0.5), (2, None), (11, -0.5), (70, 0.9)):
                values = ("2026-01-01 12:00+00", second, imbalance)
                connection.execute(
                    f"INSERT INTO orderbook_metrics ({columns}) "
                    "VALUES (%s::timestamptz + %s * INTERVAL '1 s', 'binance', 'EXAMPLE', 0, 0, 2, %s, 1, 1, 10)",
                    values,
                )
            rows = connection.execute(query, ("2026-01-01 12:00+00", "2026-01-01 12:01+00")).fetchall()
    assert [(f"{time:%H:%M:%S}", *values) for time, *values in rows] == [
        ("12:00:00", BOOK, 0.5, 2.0),
        ("12:00:10", BOOK, -0.5, 2.0),
    ]


def test_the_readme_lists_every_example() -> None:
    listed = (EXAMPLES / "README.md").read_text()
    assert all(
        f"({path.name})" in listed
        for path in EXAMPLES.iterdir()
        if path.suffix in (".py", ".sql", ".c", ".sh", ".cjs", ".html")
    )

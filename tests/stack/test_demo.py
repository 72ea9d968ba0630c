"""The demo, whole: simulated exchanges over real sockets, forwarders, the jobs, and what three systems answer."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis

from ingestion.generator.instruments import VENUES, default_symbols
from jobs.submit import JOBS, Cluster, cancel
from stack.answers import BOOK, LINES
from stack.exchanges import forwarder, simulator
from tests.conftest import Stack
from tests.jobs.desk import Desk, wait_until

LIMIT_S = 400  # its jobs are planned and submitted first, which a busy machine takes minutes for
DEMO = [sys.executable, "-m", "stack", "demo", "--seconds", "15"]
SYMBOLS = [symbol for venue in VENUES for symbol in default_symbols(venue)]


@pytest.fixture
def cluster(stack: Stack) -> Iterator[Cluster]:
    """That of the stack; the jobs that the demo leaves running give their slots back."""
    cluster = Cluster.of(Desk(stack, "").settings)
    yield cluster
    for job in JOBS:
        cancel(cluster, job)


def test_ended_while_it_submits_it_leaves_nothing_at_work(stack: Stack, cluster: Cluster) -> None:
    with subprocess.Popen(DEMO, env=stack.environment, stderr=subprocess.PIPE, text=True) as demo:
        own = psutil.Process(demo.pid)
        wait_until(lambda: len(own.children(recursive=True)) >= 2 * len(JOBS), "Flink's clients to run")
        below = own.children(recursive=True)
        demo.send_signal(signal.SIGTERM)
        _, said = demo.communicate(timeout=30)
    assert demo.returncode == 128 + signal.SIGTERM and "down` stops what was started." in said
    wait_until(lambda: not any(process.is_running() for process in below), "all that it had started to end")
    assert not any(cluster.running(job) for job in JOBS)


@pytest.mark.timeout(LIMIT_S + 60)
@pytest.mark.usefixtures("cluster")
def test_the_demo_shows_every_symbol_and_asks_three_systems_what_came_of_it(stack: Stack) -> None:
    environment = stack.environment | {"COLUMNS": "200"}
    done = subprocess.run(DEMO, env=environment, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    live, addresses, flink, postgres, redis = done.stdout.split("\n$ ")
    assert all(symbol in live for symbol in SYMBOLS)
    assert "options.chain" in live and "max pain" in live
    assert "orderbook.alerts: 0" not in live.rpartition("options.chain")[2]
    assert "depthflow sql --query top_imbalance --set top=5\n" in flink and "5 rows in set" in flink
    assert all(symbol in postgres for symbol in SYMBOLS)
    pasted = subprocess.run(["sh", "-c", f"{addresses}\n{postgres.splitlines()[0]}"], capture_output=True, text=True)
    assert pasted.stdout.splitlines()[0] == postgres.splitlines()[1], pasted.stderr
    typed, *lines = redis.splitlines()
    assert typed.startswith(f'redis-cli -u "$REDIS_URL" GET {BOOK} | ')
    book = json.loads("".join(lines[:LINES]).rstrip(",") + "}")
    kept = json.loads(Redis.from_url(stack.redis_url).get(BOOK) or "{}")
    assert (book["venue"], book["symbol"]) == ("binance", "BTCUSDT") and 0 < book["update_id"] <= kept["update_id"]
    assert f"  Flink UI   {stack.flink_url}" in lines


def test_the_demo_types_what_a_user_could() -> None:
    assert simulator("kraken", 9000) == ["simulate", "kraken", "--symbols", "BTC/USD,ETH/USD", "--port", "9000"]
    assert simulator("deribit", 9000)[6:8] == ["--chains", "BTC"]
    assert forwarder(Path("home"), "deribit", 9000)[-2:] == ["--chains", "BTC"]
    typed = forwarder(Path("home"), "kraken", 9000)
    assert typed[:4] == ["forward", "--venue=kraken", "--symbols", "BTC/USD,ETH/USD"]
    assert typed[4:8] == ["--ws-url", "ws://127.0.0.1:9000", "--rest-url", "http://127.0.0.1:9000"]

"""The complete demo: simulated exchanges over real sockets, forwarders, the jobs and queries of three systems."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis

from jobs.submit import JOBS, FlinkCluster, cancel
from simulator.registry import SIMULATORS, default_symbols
from stack.demo.exchanges import forwarder, simulator
from stack.demo.sample_queries import BOOK, LINES
from tests.conftest import Stack
from tests.jobs.isolated_system import IsolatedSystem, wait_until

LIMIT_S = 400  # planning and submitting the jobs takes minutes on a busy machine
DEMO = [sys.executable, "-m", "stack", "demo", "--seconds", "15"]
SYMBOLS = [symbol for venue in SIMULATORS for symbol in default_symbols(venue)]


@pytest.fixture
def cluster(stack: Stack) -> Iterator[FlinkCluster]:
    """The stack's cluster. The jobs that the demo leaves running are cancelled, which frees their slots."""
    cluster = FlinkCluster.of(IsolatedSystem(stack, "").settings)
    yield cluster
    for job in JOBS:
        cancel(cluster, job)


def test_a_demo_that_is_stopped_during_submission_leaves_no_process(stack: Stack, cluster: FlinkCluster) -> None:
    with subprocess.Popen(DEMO, env=stack.environment, stderr=subprocess.PIPE, text=True) as demo:
        process = psutil.Process(demo.pid)
        wait_until(lambda: len(process.children(recursive=True)) >= 2 * len(JOBS), "Flink's clients to run")
        children = process.children(recursive=True)
        demo.send_signal(signal.SIGTERM)
        _, errors = demo.communicate(timeout=30)
    assert demo.returncode == 128 + signal.SIGTERM and "down` stops what was started." in errors
    wait_until(lambda: not any(child.is_running() for child in children), "its child processes to end")
    assert not any(cluster.running(job) for job in JOBS)


@pytest.mark.timeout(LIMIT_S + 60)
@pytest.mark.usefixtures("cluster")
def test_the_demo_shows_every_symbol_and_queries_three_systems(stack: Stack) -> None:
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
    command, *lines = redis.splitlines()
    assert command.startswith(f'redis-cli -u "$REDIS_URL" GET {BOOK} | ')
    book = json.loads("".join(lines[:LINES]).rstrip(",") + "}")
    cached = json.loads(Redis.from_url(stack.redis_url).get(BOOK) or "{}")
    assert (book["venue"], book["symbol"]) == ("binance", "BTCUSDT") and 0 < book["update_id"] <= cached["update_id"]
    assert f"  Flink UI   {stack.flink_url}" in lines


def test_the_demo_uses_commands_that_a_user_can_type() -> None:
    ports = ["--port", "9000", "--control-port", "9001"]
    assert simulator("kraken", 9000, 9001) == ["simulate", "kraken", "--symbols", "BTC/USD,ETH/USD", *ports]
    assert simulator("deribit", 9000, 9001)[8:10] == ["--chains", "BTC"]
    assert forwarder(Path("home"), "deribit", 9000)[-2:] == ["--chains", "BTC"]
    command = forwarder(Path("home"), "kraken", 9000)
    assert command[:4] == ["forward", "--venue=kraken", "--symbols", "BTC/USD,ETH/USD"]
    assert command[4:8] == ["--ws-url", "ws://127.0.0.1:9000", "--rest-url", "http://127.0.0.1:9000"]

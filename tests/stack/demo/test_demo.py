"""The complete demo: simulated exchanges over real sockets, forwarders, the jobs and queries of three systems."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import pytest
from redis import Redis

from core.stop_signal import EXIT_INTERRUPTED
from jobs.submit import JOBS, FlinkCluster, cancel
from simulator.registry import SIMULATORS, default_symbols
from stack.demo.exchanges import forwarder, simulator
from stack.demo.sample_queries import BOOK, LINES
from stack.demo.submissions import FIRST
from tests.conftest import Stack
from tests.jobs.isolated_system import IsolatedSystem, wait_until
from tests.stack.demo.terminal import CTRL_C, terminal

LIMIT_S = 400  # planning and submitting the jobs takes minutes on a busy machine
DEMO = [sys.executable, "-m", "stack", "demo", "--seconds", "15"]
LINK = r"  (http://127\.0\.0\.1:\d+)/live#code=([\w-]+)\r?\n"
SYMBOLS = [symbol for venue in SIMULATORS for symbol in default_symbols(venue)]


@pytest.fixture(scope="module")
def cluster(stack: Stack) -> Iterator[FlinkCluster]:
    """The stack's cluster. The jobs that a demo leaves running serve the next one, and are cancelled in the end."""
    cluster = FlinkCluster.of(IsolatedSystem(stack, "").settings)
    yield cluster
    for job in JOBS:
        cancel(cluster, job)


def test_a_demo_that_is_stopped_during_submission_leaves_no_process(stack: Stack, cluster: FlinkCluster) -> None:
    with subprocess.Popen(DEMO, env=stack.environment, stderr=subprocess.PIPE, text=True) as demo:
        process = psutil.Process(demo.pid)
        wait_until(lambda: len(process.children(recursive=True)) >= 2 * len(FIRST), "Flink's clients to run")
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
    done = subprocess.run([*DEMO, "--exit"], env=environment, capture_output=True, text=True, timeout=LIMIT_S)
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


def call(url: str, path: str, token: str = "", body: object = None) -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = Request(url + path, json.dumps(body).encode() if body else None, headers)
    with urlopen(request, timeout=30) as response:
        return json.load(response)


@pytest.mark.timeout(LIMIT_S + 60)
@pytest.mark.usefixtures("cluster")
def test_in_a_terminal_the_demo_links_to_moving_books_until_ctrl_c(stack: Stack) -> None:
    with terminal(DEMO, stack.environment | {"COLUMNS": "200"}) as shown:
        url, code = shown.expect(LINK, LIMIT_S).groups()
        children = psutil.Process(shown.process.pid).children(recursive=True)
        session = call(url, "/api/auth/exchange", body={"code": code})
        assert url == stack.settings.serve_url and session["user"]["username"] == "depthflow"

        def update_id() -> int:
            found: int = call(url, "/api/books/binance/BTCUSDT", session["token"])["book"]["update_id"]
            return found

        first = update_id()
        wait_until(lambda: update_id() > first, "the book to move")
        second = subprocess.run(DEMO, env=stack.environment, capture_output=True, text=True, timeout=60)
        assert second.returncode == 1 and "A demo runs already on the stack" in second.stderr
        shown.press(CTRL_C)
        assert shown.wait(60) == EXIT_INTERRUPTED
    assert "down` stops what was started." in shown.text and "Traceback" not in shown.text
    assert len(children) >= 2 * len(SIMULATORS) and not any(child.is_running() for child in children)


def test_the_demo_uses_commands_that_a_user_can_type() -> None:
    ports = ["--port", "9000", "--control-port", "9001"]
    assert simulator("kraken", 9000, 9001) == ["simulate", "kraken", "--symbols", "BTC/USD,ETH/USD", *ports]
    assert simulator("deribit", 9000, 9001)[8:10] == ["--chains", "BTC"]
    assert forwarder(Path("home"), "deribit", 9000, 9002)[-2:] == ["--chains", "BTC"]
    command = forwarder(Path("home"), "kraken", 9000, 9002)
    assert command[:4] == ["forward", "--venue=kraken", "--symbols", "BTC/USD,ETH/USD"]
    assert command[8:10] == ["--metrics-addr", "127.0.0.1:9002"]
    assert command[4:8] == ["--ws-url", "ws://127.0.0.1:9000", "--rest-url", "http://127.0.0.1:9000"]

"""The demo, whole: simulated exchanges over real sockets, forwarders, the jobs, the table in the database."""

import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.generator.instruments import VENUES, default_symbols
from jobs.submit import Cluster, cancel
from stack.demo import JOBS
from stack.exchanges import forwarder, simulator
from tests.conftest import Stack
from tests.jobs.desk import Desk

LIMIT_S = 400  # three jobs are planned and submitted first, which a busy machine takes minutes for


@pytest.mark.timeout(LIMIT_S + 60)
def test_the_demo_shows_every_symbol_and_reads_it_back_from_the_database(stack: Stack) -> None:
    command = [sys.executable, "-m", "stack", "demo", "--seconds", "25"]
    try:
        done = subprocess.run(
            command, env=stack.environment | {"COLUMNS": "200"}, capture_output=True, text=True, timeout=LIMIT_S
        )
        assert done.returncode == 0, done.stderr
        live, _, stored = done.stdout.partition("SELECT")
        for symbol in (symbol for venue in VENUES for symbol in default_symbols(venue)):
            assert symbol in live and symbol in stored
        assert "options.chain" in live and "max pain" in live and "orderbook.alerts: " in live
        assert stored.partition("option_chain_metrics")[2].count("BTC") >= 4  # expiries
        assert f"Flink UI   {stack.flink_url}" in stored
    finally:
        cluster = Cluster.of(Desk(stack, "").settings)
        for job in JOBS:
            cancel(cluster, job)


def test_the_demo_types_what_a_user_could() -> None:
    assert simulator("kraken", 9000) == ["simulate", "kraken", "--symbols", "BTC/USD,ETH/USD", "--port", "9000"]
    assert simulator("deribit", 9000)[6:8] == ["--chains", "BTC"]
    assert forwarder(Path("home"), "deribit", 9000)[-2:] == ["--chains", "BTC"]
    typed = forwarder(Path("home"), "kraken", 9000)
    assert typed[:4] == ["forward", "--venue=kraken", "--symbols", "BTC/USD,ETH/USD"]
    assert typed[4:8] == ["--ws-url", "ws://127.0.0.1:9000", "--rest-url", "http://127.0.0.1:9000"]

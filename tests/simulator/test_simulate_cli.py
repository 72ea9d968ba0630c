"""Usage errors and log of `depthflow simulate`."""

import asyncio
import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from simulator.cli import _serve, app
from simulator.config import Config
from simulator.simulator import Simulator


@pytest.mark.parametrize("symbols", ["", ",", ",,"])
def test_symbols_without_a_name_are_a_usage_error(symbols: str) -> None:
    result = CliRunner().invoke(app, ["binance", "--symbols", symbols])
    assert result.exit_code == 2
    assert "expected symbols separated by commas" in result.stderr


def test_addresses_are_an_event_of_the_log_where_nobody_watches() -> None:
    command = [sys.executable, "-m", "stack", "simulate", "kraken", "--symbols", "BTC/USD"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        event = json.loads(process.stderr.readline())
        process.terminate()
    assert event.keys() >= {"time", "level", "rest_url", "control_url"} and event["ws_url"].startswith(
        "ws://127.0.0.1:"
    )
    assert (event["service"], event["event"], event["listed"]) == ("simulator", "listening", ["BTC/USD"])


def test_an_error_of_the_market_ends_the_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sockets alone would look like an exchange that fell silent."""

    def fail(*_: object) -> None:
        raise ArithmeticError("no step")

    monkeypatch.setattr(Simulator, "_step", fail)
    with pytest.raises(ArithmeticError, match="no step"):
        asyncio.run(asyncio.wait_for(_serve(Config("kraken")), 30))

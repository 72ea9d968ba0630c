"""Logs of a process, and errors of usage."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from typing import Literal

import pytest
import structlog
from typer.testing import CliRunner

from core.logs import SLOW_TASKS, configure
from core.settings import HomeSettings, Settings
from gateway.settings import GatewaySettings
from ingestion.forwarder.settings import ForwardSettings
from notify.settings import NotifySettings
from stack.cli.main import app

SLOW = (
    "Task <Task name=_send_loop> ran for 0.153s (>0.100s threshold). It is blocking the event loop -- likely a tight "
    "sync loop inside a coroutine. Other pollers will time out."
)


@pytest.fixture(params=["json"])
def written(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[StringIO]:
    """Standard error of a process with the logging of a forwarder in this format, restored afterwards."""
    root, output = logging.getLogger(), StringIO()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", output)
    configure("info", "forwarder", request.param)
    yield output
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_warnings_of_slow_steps_of_the_kafka_client_are_counted_and_not_written(written: StringIO) -> None:
    before = SLOW_TASKS.count
    logging.getLogger("kafka.net.selector").warning(SLOW)
    logging.getLogger("kafka.net.selector").warning("Wakeup socket returned empty. Rebuilding.")
    logging.getLogger("forwarder").warning("blocking the event loop")
    events = [json.loads(line)["event"] for line in written.getvalue().splitlines()]
    assert events == ["Wakeup socket returned empty. Rebuilding.", "blocking the event loop"]
    assert SLOW_TASKS.count == before + 1


def test_every_line_has_time_service_level_and_event(written: StringIO) -> None:
    structlog.get_logger("forwarder").info("connected", venue="kraken", symbol="BTC/USD")
    logging.getLogger("websockets").error("handshake failed", exc_info=ValueError("bad"))
    first, second = (json.loads(line) for line in written.getvalue().splitlines())
    assert (first["service"], first["level"], first["event"]) == ("forwarder", "info", "connected")
    assert datetime.fromisoformat(first["time"].replace("Z", "+00:00")).tzinfo is not None
    assert (first["venue"], first["symbol"]) == ("kraken", "BTC/USD")
    assert second["service"] == "forwarder" and second["exception"].endswith("ValueError: bad")


@pytest.mark.parametrize("written", ["console"], indirect=True)
def test_people_may_have_lines_in_place_of_json(written: StringIO) -> None:
    structlog.get_logger("forwarder").info("connected", venue="kraken", symbol="BTC/USD")
    logging.getLogger("websockets").error("handshake failed", exc_info=ValueError("bad"))
    first, second, *trace = written.getvalue().splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\S+Z \[info +\] connected .*service=forwarder symbol=BTC/USD venue=kraken", first
    )
    assert "[error" in second and "handshake failed" in second
    assert trace[-1] == "ValueError: bad"


@pytest.mark.parametrize("settings", [ForwardSettings, GatewaySettings, NotifySettings, Settings])
def test_every_process_has_the_same_settings_of_logs(settings: type[HomeSettings]) -> None:
    fields = settings.model_fields
    assert (fields["log_level"].default, fields["log_format"].default) == ("info", "json")
    assert fields["log_format"].annotation == Literal["json", "console"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--symbols", "BTCUSDT"], "--venue (VENUE): missing; expected one of "),
        (["--venue", "mtgox"], "--venue (VENUE): expected one of "),
        (["--venue", "kraken"], "--symbols (SYMBOLS): expected at least one symbol or chain"),
        (
            ["--venue", "kraken", "--symbols", "X", "--metrics-addr", "x"],
            "--metrics-addr (METRICS_ADDR): expected host:",
        ),
        (["--venue", "kraken", "--chains", "BTC"], "--chains (CHAINS): kraken has no option chains"),
    ],
)
def test_an_error_of_usage_ends_with_status_2_and_names_the_option(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    result = CliRunner().invoke(app, ["forward", *arguments])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"depthflow: {message}") and result.stderr.count("\n") == 1

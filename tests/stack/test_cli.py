import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from stack import cli

DEPTHFLOW = Path(sys.executable).with_name("depthflow")
HEAVY = ("pyflink", "kafka", "pandas", "psycopg", "jobs", "ingestion", "supervisor", "numpy")


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DEPTHFLOW, *arguments], capture_output=True, text=True, timeout=60)


def test_help_lists_every_command_and_imports_none_of_them() -> None:
    script = f"""
import sys
from stack.cli import app
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
    script = "import sys; from stack.cli import load; load('rebuild'); print('pyflink' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert shown.stdout.strip() == "False", shown.stderr


def test_an_unknown_command_is_misuse() -> None:
    done = run("fly")
    assert done.returncode == 2 and "No such command 'fly'" in done.stderr


def test_a_wrong_setting_is_one_line_with_its_name_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_PORT", "ninety")
    done = run("status")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "KAFKA_PORT=ninety: Input should be a valid integer" in done.stderr


def test_a_missing_log_says_which_there_are(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "kafka.log").touch()
    done = run("logs", "zookeeper", "--home", str(tmp_path))
    assert done.returncode == 1 and done.stderr.strip().endswith("There are: kafka")


def test_interruption_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stack.status.inspect", interrupted)
    with pytest.raises(SystemExit) as ended:
        get_command(cli.app)(["status"])
    assert ended.value.code == 130


def test_a_module_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "bench", cli.Entry("confluent_kafka.nothing", ""))
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(Exception, match=r"needs the module confluent_kafka.*depthflow\[bench\]"):
        cli.load("bench")

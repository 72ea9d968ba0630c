"""The built wheel, installed outside the checkout: the stack, a job, a rebuild and the SQL files work from there."""

import gzip
import os
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from core.certificates import pip_environment
from core.resources import DATA, ROOT
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from tests.conftest import USERS_PATH, stack_settings
from tests.jobs.isolated_system import wait_until

DATA_FOLDERS = ("sql", "flink-conf", "deploy/prometheus")
COMMAND_S = 240  # a busy machine needs minutes for `up`
PROCESSED = re.compile(r"^orderbook\.processed +\d+ +[1-9]", re.MULTILINE)
NOT_INHERITED = ("DEPTHFLOW_HOME", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Installation:
    """A virtual environment with the wheel, an empty working folder, and the environment of its commands."""

    python: Path
    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> str:
        """Standard output of a program of the virtual environment; both outputs are shown if it fails."""
        program = [str(self.python.with_name(command[0])), *command[1:]]
        done = subprocess.run(
            program, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=COMMAND_S
        )
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, env=pip_environment())
    (built,) = folder.glob("depthflow-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The wheel in a new virtual environment that shares the dependencies of the current one, but not its packages."""
    home, folder = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("work")
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    target = sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)})
    # The folder alone: a .pth file within it, such as that of an editable installation, is not read.
    Path(target, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--ignore-installed", str(wheel)], check=True, capture_output=True)
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    ports = {name.upper(): str(value) for name, value in stack_settings(folder) if name.endswith("_port")}
    small = {"FLINK_TASKMANAGERS": "1", "KAFKA_HEAP": "512m", "PATH": USERS_PATH}
    installation = Installation(python, folder, inherited | ports | small)
    yield installation
    if (folder / ".depthflow").exists():
        installation.run("depthflow", "down", "--wipe")


def test_the_wheel_has_every_data_file_and_the_types_marker_of_every_package(installed: Installation) -> None:
    script = "import core, core.resources as r; print(core.__file__, r.DATA)"
    module, data = map(Path, installed.run("python", "-c", script).split())
    assert module.is_relative_to(installed.python.parents[1]) and data == module.parents[1] / "depthflow_data"
    expected = {path.relative_to(DATA) for folder in DATA_FOLDERS for path in (DATA / folder).rglob("*.*")}
    assert {path.relative_to(data) for path in data.rglob("*.*")} == expected | {Path("init-db.sql")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert {path.parent.name for path in module.parents[1].glob("*/py.typed")} >= packages >= {"core", "venues"}


def test_rebuild_and_the_list_of_relations_need_no_checkout(installed: Installation) -> None:
    frames = islice(Generator(Plan((instrument("binance", "BTCUSDT"),))), 200)
    recording = b"\n".join(map(msgspec.json.encode, frames)) + b"\n"
    (installed.folder / "recording.gz").write_bytes(gzip.compress(recording))
    assert "BTCUSDT" in installed.run("depthflow", "rebuild", "recording.gz", "--venue", "binance")
    assert "window_records" in installed.run("depthflow", "sql", "--list")


@pytest.mark.stack
def test_the_stack_and_a_job_run_from_the_wheel(installed: Installation) -> None:
    installed.run("depthflow", "up")
    installed.run("depthflow", "submit", "books")
    installed.run("depthflow", "replay", "--seconds", "2")
    wait_until(lambda: PROCESSED.search(installed.run("depthflow", "status")), "processed records")
    assert str(installed.folder) in installed.run("depthflow", "up")  # a second `up` finds the running stack
    installed.run("depthflow", "down")
    assert (installed.folder / ".depthflow" / "logs" / "kafka.log").exists()

"""Installations of a wheel outside the checkout, each in a virtual environment of its own."""

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from core.certificates import pip_environment
from core.resources import ROOT
from tests.conftest import USERS_PATH, stack_settings
from tests.log_search import SEARCH

COMMAND_S = 600  # a busy machine needs minutes for `up`, and for a `down` that writes archives
NOT_INHERITED = ("DEPTHFLOW_HOME", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Installation:
    """A virtual environment with a wheel, a working folder, and the environment of its commands."""

    python: Path
    folder: Path
    environment: dict[str, str]

    @property
    def packages(self) -> Path:
        """The folder of the installed packages."""
        base = str(self.python.parents[1])
        return Path(sysconfig.get_path("purelib", vars={"base": base, "platbase": base}))

    def command(self, name: str) -> str:
        return str(self.python.with_name(name))

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the virtual environment."""
        program = [self.command(command[0]), *command[1:]]
        return subprocess.run(
            program, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=COMMAND_S
        )

    def run(self, *command: str) -> str:
        """Standard output of a program of the virtual environment; both outputs are shown if it fails."""
        done = self.execute(*command)
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def remove_stack(self) -> None:
        """Stop the stack of the working folder, search its logs for secrets, and remove its data."""
        if (self.folder / ".depthflow").exists():
            self.run("depthflow", "down")
            SEARCH.below(self.folder)
            self.run("depthflow", "down", "--wipe")


def build_wheel(folder: Path, source: Path = ROOT) -> Path:
    """The wheel of a checkout, built into the folder."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
    subprocess.run(build, check=True, capture_output=True, env=pip_environment())
    (built,) = folder.glob("depthflow-*.whl")
    return built


def install(wheel: Path, home: Path, folder: Path, environment: dict[str, str]) -> Installation:
    """The wheel in a new virtual environment that shares the dependencies of the current one, but not its packages."""
    venv.create(home, symlinks=True)
    installed = Installation(home / "bin" / "python", folder, environment)
    # The folder alone: a .pth file within it, such as that of an editable installation, is not read.
    Path(installed.packages, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [sys.executable, "-m", "pip", "--python", str(installed.python), "install", "--quiet", "--no-deps"]
    subprocess.run([*command, "--no-index", "--ignore-installed", str(wheel)], check=True, capture_output=True)
    return installed


def small_stack(folder: Path, **more: str) -> dict[str, str]:
    """Environment of commands with a small stack on free ports below the folder."""
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    ports = {name.upper(): str(value) for name, value in stack_settings(folder) if name.endswith("_port")}
    return inherited | ports | {"FLINK_TASKMANAGERS": "1", "KAFKA_HEAP": "512m", "PATH": USERS_PATH} | more

"""Every command of the README runs in a test: in this file, or in the one that `ELSEWHERE` names."""

import gzip
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from jobs.submit import JOBS, FlinkCluster, cancel, run_command
from simulator.frame_generator import Generator, Plan
from simulator.generator.chain import ChainModel, ChainShape
from simulator.generator.underlyings import UNDERLYINGS
from simulator.registry import instrument
from simulator.venues.deribit.option_frames import Row, summary, tickers
from tests.conftest import USERS_PATH, Stack
from tests.jobs.isolated_system import IsolatedSystem

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [line.split("  #")[0].strip() for line in re.findall(r"^    (depthflow .*)$", README, re.MULTILINE)]
VERBS = re.findall(r"`?make ([a-z]+)", README)
PICTURES = re.findall(r"docs/[\w/-]+\.png", README)
WITHOUT_STACK = ("depthflow rebuild", "depthflow chain BTC --from SUMMARY.json", "depthflow bench domain")
SMALLER = {
    "bench books": "--frames 20000",
    "bench domain": "--passes 1",
}  # the same command with a load that suits a test
ELSEWHERE = {  # by the beginning of the command
    "depthflow chain BTC --from topic": "tests/jobs/test_options_end_to_end.py",
    "depthflow down": "tests/stack/test_wheel.py",
    "depthflow forward": "tests/ingestion/forwarder/test_process.py",  # with a simulated exchange
    "depthflow ring": "tests/ring/test_ring_stack.py",  # runs until it is stopped
    "depthflow up --observe": "tests/deploy/test_observed_stack.py",
    "depthflow sql": "tests/jobs/test_sql_client.py",
}


@pytest.fixture(scope="module")
def shared(stack: Stack) -> Iterator[Stack]:
    """The stack. Jobs that the README's commands leave running are cancelled, which frees their slots."""
    yield stack
    cluster = FlinkCluster.of(IsolatedSystem(stack, "").settings)
    for job in JOBS:
        cancel(cluster, job)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Working folder of the commands, with recordings under the names that the README uses."""
    folder = tmp_path_factory.mktemp("readme")
    frames = islice(Generator(Plan((instrument("binance", "BTCUSDT"),))), 200)
    recording = b"\n".join(map(msgspec.json.encode, frames)) + b"\n"
    for name in ("RECORDING.gz", "RECORDING.jsonl.gz", "ethusdt.gz"):
        (folder / name).write_bytes(gzip.compress(recording))
    (folder / "SUMMARY.json").write_bytes(msgspec.json.encode({"jsonrpc": "2.0", "result": list(book_summary())}))
    return folder


def book_summary() -> Iterator[Row]:
    """A generated chain of the day that the README mentions, in the shape of the exchange's book summary."""
    model = ChainModel(UNDERLYINGS["BTC"], ChainShape(10, 9), 1, 1_777_404_145_005)
    return (summary(row) for part in model.slices for _, row in tickers(model.underlying, model.quote(part)))


def runnable(command: str) -> list[str]:
    smaller = next((more for part, more in SMALLER.items() if part in command), "")
    return [str(Path(sys.executable).with_name("depthflow")), *shlex.split(f"{command} {smaller}")[1:]]


def assert_command_succeeds(command: str, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(runnable(command), cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith(WITHOUT_STACK)])
def test_a_command_of_the_readme_needs_no_stack(folder: Path, command: str) -> None:
    nowhere = folder / "nowhere"
    assert_command_succeeds(command, folder, os.environ | {"PATH": USERS_PATH, "DEPTHFLOW_HOME": str(nowhere)})
    assert not nowhere.exists()


@pytest.mark.parametrize("command", [each for each in COMMANDS if not each.startswith((*WITHOUT_STACK, *ELSEWHERE))])
def test_a_command_of_the_readme_succeeds(shared: Stack, folder: Path, command: str) -> None:
    assert_command_succeeds(command, folder, shared.environment)


def test_the_command_of_a_job_is_that_of_submit() -> None:
    """The README writes … for the folder of the installation."""
    home = ROOT / ".depthflow"
    cluster = FlinkCluster(home / "flink", "http://127.0.0.1:8081", f"file://{home}/checkpoints", "")
    command = " ".join(run_command(cluster, "books", ["--parallelism=1"], None))
    shown = command.replace(sys.executable, "/…/.venv/bin/python").replace(str(ROOT), "/…")
    assert shown in " ".join(README.split())


@pytest.mark.parametrize("picture", sorted(set(PICTURES)))
def test_a_picture_of_the_readme_is_there_and_loads_quickly(picture: str) -> None:
    assert 0 < (ROOT / picture).stat().st_size < 300_000


@pytest.mark.parametrize("verb", sorted(set(VERBS)))
def test_a_verb_of_the_readme_is_in_the_makefile(verb: str) -> None:
    assert subprocess.run(["make", "-n", verb], cwd=ROOT, capture_output=True).returncode == 0


@pytest.mark.parametrize("test", ELSEWHERE.values())
def test_the_test_file_of_a_command_exists(test: str) -> None:
    assert (ROOT / test).exists()

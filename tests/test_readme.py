"""Every command of the README is run: here as it stands there, or by the test that is named here."""

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

from ingestion.generator import Generator, Plan
from ingestion.generator.chain import ChainModel, ChainShape
from ingestion.generator.instruments import instrument
from ingestion.generator.option_frames import Row, summary, tickers
from ingestion.generator.underlyings import UNDERLYINGS
from jobs.submit import JOBS, Cluster, cancel
from tests.conftest import USERS_PATH, Stack
from tests.jobs.desk import Desk

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [line.split("  #")[0].strip() for line in re.findall(r"^    (depthflow .*)$", README, re.MULTILINE)]
VERBS = re.findall(r"`?make ([a-z]+)", README)
ALONE = ("depthflow rebuild", "depthflow chain BTC --from SUMMARY.json", "depthflow bench domain")  # without a stack
SMALLER = {"bench books": "--frames 20000"}  # the same command on a load that a test can wait for
ELSEWHERE = {  # by how the command begins
    "depthflow chain BTC --from topic": "tests/jobs/test_options_end_to_end.py",
    "depthflow down": "tests/stack/test_lifecycle.py",
    "depthflow forward": "tests/ingestion/forwarder/test_process.py",  # at an exchange that is simulated
    "depthflow sql": "tests/jobs/test_sql_client.py",
}


@pytest.fixture(scope="module")
def shared(stack: Stack) -> Iterator[Stack]:
    """The stack; the jobs that the README leaves running give their slots back."""
    yield stack
    cluster = Cluster.of(Desk(stack, "").settings)
    for job in JOBS:
        cancel(cluster, job)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run, with recordings of the names that the README gives them."""
    folder = tmp_path_factory.mktemp("readme")
    frames = islice(Generator(Plan((instrument("binance", "BTCUSDT"),))), 200)
    recording = b"\n".join(map(msgspec.json.encode, frames)) + b"\n"
    for name in ("RECORDING.gz", "RECORDING.jsonl.gz"):
        (folder / name).write_bytes(gzip.compress(recording))
    (folder / "SUMMARY.json").write_bytes(msgspec.json.encode({"jsonrpc": "2.0", "result": list(book_summary())}))
    return folder


def book_summary() -> Iterator[Row]:
    """A generated chain of the day that the README speaks of, as the exchange sums it up."""
    model = ChainModel(UNDERLYINGS["BTC"], ChainShape(10, 9), 1, 1_777_404_145_005)
    return (summary(row) for part in model.slices for _, row in tickers(model.underlying, model.quote(part)))


def runnable(command: str) -> list[str]:
    smaller = next((more for part, more in SMALLER.items() if part in command), "")
    return [str(Path(sys.executable).with_name("depthflow")), *shlex.split(f"{command} {smaller}")[1:]]


def does_what_it_says(command: str, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(runnable(command), cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith(ALONE)])
def test_a_command_of_the_readme_needs_no_stack(folder: Path, command: str) -> None:
    nowhere = folder / "nowhere"
    does_what_it_says(command, folder, os.environ | {"PATH": USERS_PATH, "DEPTHFLOW_HOME": str(nowhere)})
    assert not nowhere.exists()


@pytest.mark.parametrize("command", [each for each in COMMANDS if not each.startswith((*ALONE, *ELSEWHERE))])
def test_a_command_of_the_readme_does_what_it_says(shared: Stack, folder: Path, command: str) -> None:
    does_what_it_says(command, folder, shared.environment)


@pytest.mark.parametrize("verb", sorted(set(VERBS)))
def test_a_verb_of_the_readme_is_one_of_the_makefile(verb: str) -> None:
    assert subprocess.run(["make", "-n", verb], cwd=ROOT, capture_output=True).returncode == 0


@pytest.mark.parametrize("test", ELSEWHERE.values())
def test_what_is_run_elsewhere_has_its_test(test: str) -> None:
    assert (ROOT / test).exists()

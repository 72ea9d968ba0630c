"""Upgrade of a running job by the command of a second installation, and the way back: every record once."""

import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby, islice
from pathlib import Path

import msgspec
import pytest

from core.resources import ROOT
from market.orderbook.book_config import BookConfig
from simulator.frame_generator import Generator, Plan
from stack.services.home import recorded
from tests.conftest import Stack
from tests.jobs.isolated_system import IsolatedSystem, Record, wait_until
from tests.soak import soak
from tests.stack.installation import Installation, build_wheel, install, small_stack
from venues.registry import open_builder
from venues.routing import route

pytestmark = [soak, pytest.mark.stack, pytest.mark.timeout(900)]
GENERATED = 8_000
MARK = b',"by":"0.2.0"}'
ROWS, MARKED_ROWS = "key, list(lines))", f"key, [line[:-1] + {MARK!r} for line in lines])"
OPEN = "        self._timing: dict[str, KeyTiming] = {}\n"
PROCESSED = "orderbook.processed"


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} is not once in {file}"
    file.write_text(text.replace(old, new))


def newer_source(folder: Path) -> Path:
    """A copy of the checkout with the next version, whose operator marks every record."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    replace(folder / "pyproject.toml", '\nversion = "0.1.0"', '\nversion = "0.2.0"')
    replace(folder / "jobs" / "operators.py", ROWS, MARKED_ROWS)
    return folder


@pytest.fixture(scope="module")
def installations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Installation]]:
    """The version of this checkout, which starts the stack, and a newer one that is installed afterwards."""
    folder = tmp_path_factory.mktemp("work")
    environment = small_stack(folder, FLINK_TASKMANAGERS="2", TOPIC_PARTITIONS="2")

    def installed(source: Path) -> Installation:
        wheel = build_wheel(tmp_path_factory.mktemp("wheel"), source)
        return install(wheel, tmp_path_factory.mktemp("environment"), folder, environment)

    old, source = installed(ROOT), newer_source(tmp_path_factory.mktemp("newer"))
    with ExitStack() as cleanup:
        cleanup.callback(old.remove_stack)
        old.run("depthflow", "up")
        yield old, installed(source)


def system_of(installation: Installation) -> IsolatedSystem:
    settings = recorded(installation.folder / ".depthflow")
    return IsolatedSystem(Stack(settings, settings.kafka_bootstrap, "", ""), "")


def by_newer(line: bytes) -> bool:
    return line.endswith(MARK)


def test_another_installation_takes_over_and_gives_back(installations: tuple[Installation, Installation]) -> None:
    old, new = installations
    system, earlier = system_of(old), old.command("depthflow")
    envelopes = islice(Generator(Plan(gaps_per_1000=1, rate=100)), GENERATED)
    records: list[Record] = [(*route(e.venue, e.channel, e.symbol), msgspec.json.encode(e)) for e in envelopes]
    values: defaultdict[str, list[bytes | None]] = defaultdict(list)
    for _, key, value in records:
        values[key or ""].append(value)
    processed = {key: open_builder(key, BookConfig()).apply_all(each).processed for key, each in values.items()}
    expected = {key: lines for key, lines in processed.items() if lines}
    quarter = GENERATED // 4

    def process(number: int, newer: bool) -> None:
        """Send a quarter of the records, and wait until the newest committed record of every key has its mark."""
        system.send(records[number * quarter : (number + 1) * quarter])

        def is_seen() -> bool:
            found = system.read(PROCESSED)
            return found.keys() == expected.keys() and all(by_newer(lines[-1]) == newer for lines in found.values())

        wait_until(is_seen, f"records of quarter {number}")

    old.run("depthflow", "submit", "books")
    process(0, newer=False)
    new.run("depthflow", "upgrade", "books", "--back-to", earlier)
    process(1, newer=True)
    old.run("depthflow", "upgrade", "books")
    process(2, newer=False)
    replace(new.packages / "jobs" / "operators.py", OPEN, f'{OPEN}        raise RuntimeError("it does not work")\n')
    broken = new.execute("depthflow", "upgrade", "books", "--back-to", earlier)
    assert broken.returncode == 1 and "the job runs as before" in " ".join(broken.stderr.split()), broken.stderr
    process(3, newer=False)

    total = sum(map(len, expected.values()))
    wait_until(lambda: system.count(PROCESSED) >= total, "every record to be committed")
    found = system.read(PROCESSED)
    for key, lines in found.items():
        assert [newer for newer, _ in groupby(lines, by_newer)] == [False, True, False], key
    assert {key: [line.replace(MARK, b"}") for line in lines] for key, lines in found.items()} == expected

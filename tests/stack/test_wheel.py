"""The built wheel, installed outside the checkout: its stack starts and stops; a job, a rebuild, the SQL files work."""

import gzip
import os
import re
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from core.resources import DATA, ROOT
from core.topics import RAW_BOOKS
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from stack.services.home import recorded
from stack.services.orphans import stack_processes
from stack.services.ports import taken_ports
from stack.services.supervisor import Supervisor
from stack.services.taskmanagers import restart_idle_taskmanagers
from tests.conftest import Stack
from tests.jobs.isolated_system import wait_until
from tests.stack.installation import Installation, build_wheel, install, small_stack
from tests.stack.services.test_lifecycle import pids, wait_for

DATA_FOLDERS = ("sql", "flink-conf", "deploy/prometheus")
PROCESSED = re.compile(r"^orderbook\.processed +\d+ +[1-9]", re.MULTILINE)
pytestmark = pytest.mark.timeout(900)  # several starts on a busy machine


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The wheel of this checkout, with an empty working folder."""
    folder = tmp_path_factory.mktemp("work")
    wheel, home = build_wheel(tmp_path_factory.mktemp("wheel")), tmp_path_factory.mktemp("environment")
    installation = install(wheel, home, folder, small_stack(folder))
    yield installation
    installation.remove_stack()


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


@pytest.fixture(scope="module")
def small(installed: Installation) -> Stack:
    """The running stack of the installation: with one TaskManager it starts in half the time of the other tests'."""
    installed.run("depthflow", "up")
    settings = recorded(installed.folder / ".depthflow")
    return Stack(settings, settings.kafka_bootstrap, "", "")


@pytest.mark.stack
def test_idle_taskmanagers_older_than_the_code_are_restarted(small: Stack) -> None:
    before = pids(small)
    assert restart_idle_taskmanagers(small.settings, newer_than=0) == []
    assert restart_idle_taskmanagers(small.settings, newer_than=time.time()) == small.settings.taskmanagers
    assert not set(before.values()) & {pids(small)[name] for name in small.settings.taskmanagers}


@pytest.mark.stack
def test_up_recovers_from_a_killed_supervisor(installed: Installation, small: Stack) -> None:
    supervisor, before = Supervisor(small.home), pids(small)
    process = supervisor.process()
    assert process is not None
    process.kill()
    wait_for(lambda: not supervisor.is_alive())
    assert installed.execute("depthflow", "status").returncode == 3
    assert "The stack is up." in installed.execute("depthflow", "up").stderr
    assert not any(psutil.pid_exists(pid) for pid in before.values())
    assert installed.execute("depthflow", "status").returncode == 0


@pytest.mark.stack
def test_down_ends_every_process_and_keeps_the_data(installed: Installation, small: Stack) -> None:
    installed.run("depthflow", "up", "--gateway")
    mark = os.urandom(8).hex().encode()
    producer = KafkaProducer(bootstrap_servers=small.kafka)
    sent = producer.send(RAW_BOOKS.name, mark).get(timeout=30)
    producer.close()
    before = pids(small)
    installed.run("depthflow", "down")
    assert not list(stack_processes(small.home)) and not any(psutil.pid_exists(pid) for pid in before.values())
    assert not taken_ports(small.settings.ports() | small.settings.gateway_port)
    assert (small.home / "logs" / "kafka.log").exists()
    assert "The stack is up." in installed.execute("depthflow", "up").stderr
    consumer = KafkaConsumer(bootstrap_servers=small.kafka)
    place = TopicPartition(RAW_BOOKS.name, sent.partition)
    consumer.assign([place])
    consumer.seek(place, sent.offset)
    wait_for(lambda: any(record.value == mark for batch in consumer.poll(500).values() for record in batch))
    consumer.close()


@pytest.mark.stack
@pytest.mark.usefixtures("small")
def test_a_job_runs_from_the_wheel(installed: Installation) -> None:
    installed.run("depthflow", "submit", "books")
    installed.run("depthflow", "replay", "--seconds", "2")
    wait_until(lambda: PROCESSED.search(installed.execute("depthflow", "status").stdout), "processed records")
    assert str(installed.folder) in installed.run("depthflow", "up")  # a second `up` finds the running stack

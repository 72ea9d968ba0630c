"""The supervisor: socket, environment, restarts."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path

import psutil
import pytest
from supervisor.options import UnhosedConfigParser

from stack.services import home
from stack.services.cds_archives import WRITES_AT_EXIT
from stack.services.lifecycle import down
from stack.services.settings import StackSettings
from stack.services.supervisor import SOCKET_PATH_LIMIT, Supervisor, socket_path
from stack.services.supervisord_config import Program, render
from tests.stack.services.test_lifecycle import wait_for


def test_the_socket_lies_below_a_home_with_a_short_path(tmp_path: Path) -> None:
    assert socket_path(Path("/srv/x")) == Path("/srv/x/run/supervisor.sock")


def test_a_home_with_a_long_path_gets_a_socket_of_its_own_elsewhere() -> None:
    deep, other = (Path("/srv") / ("d" * 120) / name for name in ("a", "b"))
    first = socket_path(deep)
    assert len(os.fsencode(first)) <= SOCKET_PATH_LIMIT
    assert first == socket_path(deep) != socket_path(other)
    assert first.parent.stat().st_mode & 0o077 == 0


def test_special_characters_reach_the_program_unchanged() -> None:
    program = Program("x", ["/bin/echo", "100%", "a b"], {"KEY": "50%"}, user="nobody")
    parser = RawConfigParser()
    parser.read_string(render(Path("/srv/x"), Path("/srv/x/s"), [program]))
    section = parser["program:x"]
    assert section["command"] == "/bin/echo '100%%'".replace("'", "") + " 'a b'"
    assert section["environment"] == 'KEY="50%%"' and section["user"] == "nobody"


def test_a_program_that_writes_its_class_archive_has_longer_to_stop() -> None:
    programs = [Program("writes", ["java", f"{WRITES_AT_EXIT}a.jsa"]), Program("uses", ["java"])]
    parser = RawConfigParser()
    parser.read_string(render(Path("/srv/x"), Path("/srv/x/s"), programs))
    limits = {name: float(parser[f"program:{name}"]["stopwaitsecs"]) for name in ("writes", "uses")}
    assert limits == {"writes": 120, "uses": 30}


def test_each_start_of_a_killed_process_removes_the_files_that_it_left(tmp_path: Path) -> None:
    folder = tmp_path / "of 100%"
    script = "import os, pathlib, sys; pathlib.Path(sys.argv[1], str(os.getpid())).touch(); os.kill(os.getpid(), 9)"
    program = Program("x", [sys.executable, "-c", script, str(folder)], temporary=folder)
    parser = UnhosedConfigParser()  # supervisord's own, which has comments after values
    parser.read_string(render(Path("/srv/x"), Path("/srv/x/s"), [program]))
    command = shlex.split(parser.get("program:x", "command").replace("%%", "%"))
    for _ in range(3):
        assert subprocess.run(command).returncode == -9
    assert len(list(folder.iterdir())) == 1


SLOW_TO_END = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: time.sleep(2) or exit()); time.sleep(60)"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Supervisor]:
    """A supervisord with a program that needs two seconds to end."""
    home.create(StackSettings(depthflow_home=tmp_path))
    supervisor = Supervisor(tmp_path)
    supervisor.start([Program("slow", [sys.executable, "-c", SLOW_TO_END])], dict(os.environ))
    wait_for(lambda: supervisor.is_alive() and [each.state for each in supervisor.processes()] == ["RUNNING"])
    yield supervisor
    if process := supervisor.process():
        process.terminate()
        process.wait(10)


def test_the_configuration_is_its_owners_alone(running: Supervisor) -> None:
    """Programs may have secrets in their environment."""
    assert running.config.stat().st_mode & 0o077 == 0


def process_of(supervisor: Supervisor) -> psutil.Process:
    process = supervisor.process()
    assert process is not None
    return process


def test_a_program_that_the_configuration_lacks_is_added_and_starts_on_request(running: Supervisor) -> None:
    before = {each.name: each.pid for each in running.processes()}
    added = Program("added", [sys.executable, "-c", SLOW_TO_END], {"KEY": "50%"}, autostart=False)
    assert [running.add(added), running.add(added)] == [True, False]
    assert not running.is_started("added")
    running.start_program("added")
    wait_for(lambda: {each.name: each.state for each in running.processes()}.get("added") == "RUNNING")
    (pid,) = (each.pid for each in running.processes() if each.name == "added")
    assert psutil.Process(pid).environ()["KEY"] == "50%"
    assert before.items() <= {each.name: each.pid for each in running.processes()}.items()


def test_a_supervisor_that_is_ending_can_be_shut_down_again(running: Supervisor) -> None:
    process_of(running).terminate()
    wait_for(lambda: not running.is_alive())
    running.shutdown()
    wait_for(lambda: running.process() is None)
    running.shutdown()


def test_down_removes_the_data_of_a_stack_that_is_ending(running: Supervisor) -> None:
    process_of(running).terminate()
    assert down(StackSettings(depthflow_home=running.home), wipe=True)
    assert running.process() is None and not running.home.exists()


def test_down_ends_a_supervisor_that_does_not_respond(running: Supervisor) -> None:
    running.socket.unlink()
    assert down(StackSettings(depthflow_home=running.home))
    assert running.process() is None

import os
from configparser import RawConfigParser
from pathlib import Path

from stack.processes import SOCKET_PATH_LIMIT, Program, render, socket_path


def test_a_short_home_holds_the_socket(tmp_path: Path) -> None:
    assert socket_path(Path("/srv/x")) == Path("/srv/x/run/supervisor.sock")


def test_a_home_too_deep_for_a_socket_gets_one_of_its_own_elsewhere() -> None:
    deep, other = (Path("/srv") / ("d" * 120) / name for name in ("a", "b"))
    first = socket_path(deep)
    assert len(os.fsencode(first)) <= SOCKET_PATH_LIMIT
    assert first == socket_path(deep) != socket_path(other)
    assert first.parent.stat().st_mode & 0o077 == 0


def test_odd_characters_reach_the_program_as_they_are() -> None:
    program = Program("x", ["/bin/echo", "100%", "a b"], {"KEY": "50%"}, user="nobody")
    parser = RawConfigParser()
    parser.read_string(render(Path("/srv/x"), Path("/srv/x/s"), [program]))
    section = parser["program:x"]
    assert section["command"] == "/bin/echo '100%%'".replace("'", "") + " 'a b'"
    assert section["environment"] == 'KEY="50%%"' and section["user"] == "nobody"

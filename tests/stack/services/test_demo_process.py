"""One demo on a stack, which `down` asks to end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stack.services import demo_process
from stack.services.errors import StackError


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "run").mkdir()
    yield tmp_path


def test_a_second_demo_is_refused_and_the_first_goes_on(home: Path) -> None:
    with demo_process.registered(home):
        refused = (
            rf"^A demo runs already on the stack in {home}. End it by Ctrl-C in its terminal, or by `depthflow down`$"
        )
        with pytest.raises(StackError, match=refused):
            demo_process.require_none(home)
        with pytest.raises(StackError, match=refused), demo_process.registered(home):
            raise AssertionError("two demos run")
        demo_process.check(home)
    demo_process.require_none(home)
    with demo_process.registered(home):
        demo_process.check(home)


def test_a_demo_that_is_asked_to_end_is_waited_for(home: Path) -> None:
    with ThreadPoolExecutor() as pool:
        with demo_process.registered(home):
            ending = pool.submit(demo_process.end, home)
            with pytest.raises(demo_process.DemoEnded):
                while True:
                    demo_process.check(home)
            assert not ending.done()
        ending.result(timeout=10)
    demo_process.require_none(home)


def test_a_demo_that_does_not_end_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_process, "END_S", 0)
    with demo_process.registered(home), pytest.raises(StackError, match=r"The demo \(process \d+\) does not end"):
        demo_process.end(home)


def test_nothing_is_awaited_of_a_demo_that_was_killed(home: Path) -> None:
    demo_process.file(home).write_text("1\n")
    demo_process.require_none(home)
    demo_process.end(home)
    demo_process.end(home)

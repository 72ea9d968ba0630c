"""The demo after its tour, and the conditions that it plants."""

from pathlib import Path

import pytest

from stack.demo import staying
from stack.demo.conditions import EVERY_S, Conditions
from stack.services import demo_process
from stack.services.errors import StackError


class FakeExchanges:
    """Exchanges that note what is planted. `ask_to_end`: checks after which `down` asks the demo to end."""

    def __init__(self, home: Path, ask_to_end: int = 0, busy: bool = False) -> None:
        self.turns: list[int] = []
        self._home, self._checks, self._busy = home, ask_to_end, busy

    def plant(self, turn: int) -> None:
        self.turns.append(turn)
        if self._busy:
            raise TimeoutError

    def check(self) -> None:
        self._checks -= 1
        if not self._checks:
            demo_process.file(self._home).unlink()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(staying, "CHECK_S", 0)
    return tmp_path


def test_a_condition_is_planted_every_few_seconds_in_turn(tmp_path: Path) -> None:
    now, exchanges = [100.0], FakeExchanges(tmp_path)
    conditions = Conditions(exchanges, lambda: now[0])  # type: ignore[arg-type]
    for _ in range(int(3 * EVERY_S) + 1):
        conditions.plant_if_due()
        now[0] += 1
    assert exchanges.turns == [0, 1, 2, 3]


@pytest.mark.parametrize("busy", [False, True])
def test_the_markets_go_on_until_the_stack_stops(home: Path, monkeypatch: pytest.MonkeyPatch, busy: bool) -> None:
    monkeypatch.setattr("stack.services.supervisor.Supervisor.is_alive", lambda _: True)
    exchanges = FakeExchanges(home, ask_to_end=5, busy=busy)
    with demo_process.registered(home), pytest.raises(demo_process.DemoEnded):
        staying.stay(home, exchanges, Conditions(exchanges, iter(range(0, 99, 9)).__next__))  # type: ignore[arg-type]
    assert exchanges.turns == [0, 1, 2, 3, 4]


def test_a_stack_that_died_is_an_error(home: Path) -> None:
    exchanges = FakeExchanges(home)
    with (
        demo_process.registered(home),
        pytest.raises(StackError, match="^The stack has stopped. `depthflow demo` starts"),
    ):
        staying.stay(home, exchanges, Conditions(exchanges))  # type: ignore[arg-type]
    assert exchanges.turns == []

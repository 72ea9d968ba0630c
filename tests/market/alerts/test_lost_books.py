"""Alerts of books with lost frames: the states in their ticks are those of their statuses."""

from itertools import islice

import msgspec
import pytest

from core.records import Status
from market.orderbook.book_config import BookConfig
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from tests.market.alerts.builders import NOON, alerts, book_tick, phases
from venues.registry import open_builder

LEVELS = {"synced": 0, "gap": 1, "stale": 2, "untrusted": 2}
PHASES = {(0, 1): ("enter", "medium"), (0, 2): ("enter", "high"), (1, 2): ("escalate", "high")}


def from_statuses(statuses: list[Status]) -> list[tuple[str, str, int]]:
    """Phases of `book_stale`, by the statuses alone."""
    found, before, worst = [], 0, 0
    for status in statuses:
        level, time = LEVELS[status.state], status.event_time - NOON
        worst = max(worst, level)
        if (before, level) in PHASES:
            found.append((*PHASES[before, level], time))
        elif before and not level:
            found.append(("exit", ("medium", "high")[worst - 1], time))
            worst = 0
        before = level
    return found


@pytest.mark.parametrize(("venue", "symbol"), [("binance", "BTCUSDT"), ("kraken", "BTC/USD")])
def test_every_loss_and_return_of_a_book_is_an_alert(venue: str, symbol: str) -> None:
    key = f"{venue}:{symbol}"
    builder, ticks, lines = open_builder(key, BookConfig()), [], []
    for envelope in islice(Generator(Plan((instrument(venue, symbol),), gaps_per_1000=30)), 2000):
        batch = builder.apply_all([msgspec.json.encode(envelope)])
        ticks += batch.ticks
        lines += batch.statuses
    expected = from_statuses([msgspec.json.decode(line, type=Status) for line in lines])
    assert len(expected) > 20
    assert phases(alerts(ticks, key=key), "book_stale", symbol) == expected


def test_a_book_that_is_lost_twice_at_one_time_has_two_alerts() -> None:
    states = ["gap", "synced"] * 2 + ["gap"]
    values = [book_tick(0, seq, 0, state=state, reason="test") for seq, state in enumerate(states)]
    values.append(book_tick(4_000, 9, 0, state="synced", reason="test"))
    found = alerts(values)
    assert [alert.phase for alert in found] == ["enter", "exit"] * 3
    assert len({alert.id for alert in found}) == len(found)
    assert [alert.episode - NOON for alert in found[::2]] == [0, 1, 2]
    assert all(alert.event_time >= alert.episode for alert in found) and found[-1].event_time == NOON + 4_000

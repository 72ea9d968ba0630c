"""The running alerts and analytics jobs as used by analysts: changes of thresholds, tables in a notebook."""

import json
from collections.abc import Iterator

import msgspec
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import reader
from core.records import Processed
from market.alerts.rules import Thresholds
from market.orderbook.tick_records import Window
from reader.rules import write_override
from tests.conftest import Stack
from tests.jobs.isolated_system import IsolatedSystem, Record, wait_until
from tests.market.alerts.builders import book_tick
from tests.reader.test_tables import NOON_MS

BOOK, SYMBOL = "binance:RULED", "RULED"
CONTROL = "book_stale"  # raised at the end of each repetition: when it is there, any earlier alert is, too
SPAN_MS = 120_000  # from one repetition to the next, longer than an episode may rest
TIMES = (*range(0, 4000, 100), 10_000, 90_000)  # ms of one repetition; the imbalance ends at 3 s
GAP_MS = 95_000
ATTEMPTS = 6  # repetitions until the job, which reads rules and records independently, has read a change


def record(symbol: str, ms: int, imbalance: float) -> bytes:
    fixed = {"venue": "binance", "symbol": symbol, "event_time": NOON_MS + ms, "recv_us": (NOON_MS + ms) * 1000}
    prices = {
        "best_bid": 99.0,
        "best_ask": 101.0,
        "mid": 100.0,
        "microprice": 100.0,
        "spread": 2.0,
        "spread_bps": 200.0,
    }
    sizes = {"best_bid_size": 1.0, "best_ask_size": 1.0, "bid_depth": 10.0, "ask_depth": 10.0, "vtob": 2.0, "ofi": 0.5}
    counts = {"update_id": ms + 1, "levels_bid": 10, "levels_ask": 10, "depth": 10, "flags": ["ofi_seed"]}
    return msgspec.json.encode(fixed | prices | sizes | counts | {"imbalance": imbalance, "weighted_imbalance": 0.0})


def output(begin_ms: int) -> Iterator[Record]:
    """Output of the books job for one repetition: a record and a tick at each time, windows of 1 s, a gap."""
    seconds = dict[int, Processed]()
    for ms in TIMES:
        now = 0.3 if ms < 3000 else 0.0
        line = record(SYMBOL, begin_ms + ms, now)
        seconds[NOON_MS + begin_ms + ms // 1000 * 1000] = msgspec.json.decode(line, type=Processed)
        yield "orderbook.processed", BOOK, line
        yield "orderbook.ticks", BOOK, book_tick(begin_ms + ms, venue="binance", symbol=SYMBOL, imbalance=now)
    for start, last in seconds.items():
        window = Window("binance", SYMBOL, "1s", start, start + 1000, 10, out_of_sync=0.0, last=last)
        yield "orderbook.windows", BOOK, msgspec.json.encode(window)
    for ms, state in ((GAP_MS, "gap"), (GAP_MS + 100, "synced")):
        lost = book_tick(begin_ms + ms, updates=0, state=state, venue="binance", symbol=SYMBOL)
        yield "orderbook.ticks", BOOK, lost


class RepeatedScenario:
    """One scenario that is sent repeatedly: three seconds of an imbalance, then none."""

    def __init__(self, system: IsolatedSystem) -> None:
        self.system = system
        self.repetitions = 0
        self.sent = 0

    def send(self) -> list[dict[str, object]]:
        """Send it once more and return the alerts that it raises."""
        begin = self.repetitions * SPAN_MS
        self.repetitions += 1
        self.system.send(output(begin))
        self.sent += len(TIMES)
        wait_until(lambda: any(each["rule"] == CONTROL for each in self.entered(begin)), "the alert of the gap")
        return [each for each in self.entered(begin) if each["rule"] != CONTROL]

    def entered(self, since_ms: int) -> list[dict[str, object]]:
        """Alerts of the book that began at or after that time."""
        rows = (json.loads(value) for value in self.system.read("orderbook.alerts").get(BOOK, []))
        return [row for row in rows if row["episode"] >= NOON_MS + since_ms and row["phase"] == "enter"]

    def until(self, fires: bool) -> list[dict[str, object]]:
        """Send it until it raises alerts, or none; return the last alerts."""
        for _ in range(ATTEMPTS):
            if bool(alerts := self.send()) == fires:
                return alerts
        raise AssertionError(f"sent {self.repetitions} times, and the job does not apply the rule")


@pytest.fixture(scope="module")
def scenario(stack: Stack) -> Iterator[RepeatedScenario]:
    system = IsolatedSystem(stack, "notebook.")
    with system.running("alerts", "analytics"):
        yield RepeatedScenario(system)


def test_a_threshold_applies_from_its_setting_to_its_removal(scenario: RepeatedScenario) -> None:
    settings = scenario.system.settings
    assert scenario.send() == []
    write_override(settings, "extreme_imbalance", BOOK, Thresholds(medium=0.25, held_ms=1000))
    (alert,) = scenario.until(fires=True)
    assert (alert["rule"], alert["threshold"], alert["severity"]) == ("extreme_imbalance", 0.25, "medium")
    write_override(settings, "extreme_imbalance", BOOK, None)
    assert scenario.until(fires=False) == []


def test_the_reader_returns_the_records_of_the_topic(scenario: RepeatedScenario) -> None:
    found = reader.processed("topic", BOOK, settings=scenario.system.settings)
    assert len(found) == scenario.sent and found.event_time.is_monotonic_increasing
    later = reader.processed("topic", SYMBOL, start="2026-01-01T12:00:10Z", settings=scenario.system.settings)
    assert len(later) == scenario.sent - 40


def test_topic_and_database_have_the_same_windows(scenario: RepeatedScenario) -> None:
    settings = scenario.system.settings
    published = reader.windows("topic", BOOK, size="1s", settings=settings)
    wait_until(lambda: len(reader.windows("database", BOOK, size="1s", settings=settings)) == len(published), "rows")
    assert len(published) == 6 * scenario.repetitions
    assert_frame_equal(reader.windows("database", BOOK, size="1s", settings=settings), published)


def test_the_database_has_the_last_record_of_every_second(scenario: RepeatedScenario) -> None:
    settings = scenario.system.settings
    every = reader.processed("topic", BOOK, settings=settings)
    last = every.groupby(every.event_time.dt.floor("s")).tail(1).reset_index(drop=True)
    wait_until(lambda: len(reader.processed("database", BOOK, settings=settings)) == len(last), "rows of metrics")
    stored = reader.processed("database", BOOK, settings=settings)
    assert stored.recv_time.isna().all()
    stored, last = (frame.drop(columns=["recv_time", "flags"]) for frame in (stored, last))
    assert_frame_equal(stored, last)
    assert isinstance(stored, pd.DataFrame)

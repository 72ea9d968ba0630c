"""The running analytics job as its users meet it: thresholds that change under it, tables in a notebook."""

import json
from collections.abc import Iterator

import msgspec
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import reader
from ingestion.rules import write_override
from market.alert_rules import Thresholds
from tests.conftest import Stack
from tests.jobs.desk import Desk, wait_until
from tests.reader.test_tables import NOON_MS

BOOK, SYMBOL = "binance:RULED", "RULED"
LOUD = "LOUD"  # a book beside it that no rule overlooks: once its alert is there, so is what there is of the other
SPAN_MS = 20_000  # from one story to the next
ATTEMPTS = 6  # stories until the job, which reads the rules beside its records, has heard of a change


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


class Tale:
    """The same story told again and again: three seconds of an imbalance, then calm."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.told = 0
        self.sent = 0

    def tell(self) -> list[dict[str, object]]:
        """Once more; the alerts that come of it."""
        begin = self.told * SPAN_MS
        self.told += 1
        times = (*range(0, 4000, 100), 10_000)
        self.desk.send(
            ("orderbook.processed", f"binance:{symbol}", record(symbol, begin + ms, imbalance if ms < 3000 else 0.0))
            for ms in times
            for symbol, imbalance in ((SYMBOL, 0.3), (LOUD, 0.9))
        )
        self.sent += len(times)
        wait_until(lambda: bool(self.entered(LOUD, begin)), "the alert that comes whatever is set")
        return self.entered(SYMBOL, begin)

    def entered(self, symbol: str, since_ms: int) -> list[dict[str, object]]:
        """Alerts of a book that began since then."""
        rows = (json.loads(value) for value in self.desk.read("orderbook.alerts").get(f"binance:{symbol}", []))
        return [row for row in rows if row["episode"] >= NOON_MS + since_ms and row["phase"] == "enter"]

    def until(self, fires: bool) -> list[dict[str, object]]:
        """Tell it until alerts come of it, or none; the last alerts."""
        for _ in range(ATTEMPTS):
            if bool(alerts := self.tell()) == fires:
                return alerts
        raise AssertionError(f"told {self.told} times, and the job does not go by the rule")


@pytest.fixture(scope="module")
def tale(stack: Stack) -> Iterator[Tale]:
    desk = Desk(stack, "notebook.")
    with desk.running("analytics"):
        yield Tale(desk)


def test_a_threshold_holds_from_when_it_is_set_until_it_is_taken_away(tale: Tale) -> None:
    settings = tale.desk.settings
    assert tale.tell() == []
    write_override(settings, "extreme_imbalance", BOOK, Thresholds(medium=0.25))
    (alert,) = tale.until(fires=True)
    assert (alert["rule"], alert["threshold"], alert["severity"]) == ("extreme_imbalance", 0.25, "medium")
    write_override(settings, "extreme_imbalance", BOOK, None)
    assert tale.until(fires=False) == []


def test_a_notebook_finds_the_records_of_the_topic(tale: Tale) -> None:
    found = reader.processed("topic", BOOK, settings=tale.desk.settings)
    assert len(found) == tale.sent and found.event_time.is_monotonic_increasing
    later = reader.processed("topic", SYMBOL, start="2026-01-01T12:00:10Z", settings=tale.desk.settings)
    assert len(later) == tale.sent - 40


def test_topic_and_database_have_the_same_windows(tale: Tale) -> None:
    settings = tale.desk.settings
    published = reader.windows("topic", BOOK, size="1s", settings=settings)
    end = published.window_start.iloc[-1].to_pydatetime()
    wait_until(lambda: len(reader.windows("database", BOOK, size="1s", settings=settings)) >= len(published), "rows")
    stored = reader.windows("database", BOOK, end=end, size="1s", settings=settings)
    assert len(stored) > 4
    assert_frame_equal(stored, published[published.window_start < end])


def test_the_database_has_the_last_record_of_every_second_that_has_closed(tale: Tale) -> None:
    settings = tale.desk.settings
    every = reader.processed("topic", BOOK, settings=settings)
    last = every.groupby(every.event_time.dt.floor("s")).tail(1).reset_index(drop=True)[:-1]
    wait_until(lambda: len(reader.processed("database", BOOK, settings=settings)) == len(last), "rows of metrics")
    stored = reader.processed("database", BOOK, settings=settings)
    assert stored.recv_time.isna().all()
    stored, last = (frame.drop(columns=["recv_time", "flags"]) for frame in (stored, last))
    assert_frame_equal(stored, last)
    assert isinstance(stored, pd.DataFrame)

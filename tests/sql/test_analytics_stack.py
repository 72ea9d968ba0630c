"""Recorded real frames through four jobs to PostgreSQL and Redis under faults: equal to the domain and to pandas.

The frames are sent in two parts (four in a soak run), and the TaskManagers are killed in the middle of each but the
last. Then the venues of these books are silent, database and Redis are down for ten seconds (a minute in a soak run),
and one other book goes on: a frame of it is lost, and its forwarder restarts.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import psycopg
import pytest
from redis import Redis

from core import topics
from core.records import DeadLetter, Envelope
from core.settings import Settings
from ingestion.recordings import Recording
from market.alerts.engine import AlertEngine
from market.alerts.rule_table import RuleTable
from market.alerts.rules import alert_rules
from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from tests.conftest import Stack
from tests.jobs.isolated_system import IsolatedSystem, Record, wait_until
from tests.recorded_frames import recorded_path
from tests.soak import SOAKING
from tests.sql.fault_injection import RedisObserver, latest, observing, outage, send_with_kills
from tests.sql.reference_model import trade_bars, windows
from tests.venues.recorded import SPOT_DAYS, USDM
from venues.registry import open_builder
from venues.routing import route

FILES = {USDM[0]: "binance_usdm", SPOT_DAYS[0]: "binance"}  # of the same minutes
LIVE = "binance:LIVE"
LIVE_FRAMES = 400  # of each of two connections
PARTS = 4 if SOAKING else 2
PAUSE_MS = 600_000
PATIENCE_S = 300
# Ends by the clock of the book as well, which may be ahead of the trades by a part.
SWEEP = "trade_sweep"
# Low thresholds, since few alerts are raised by the default ones. The stale timeout uses the wall clock, which these
# recordings do not follow. Committed ticks only: an alert on an uncommitted one may stay after a failure.
SETTINGS: dict[str, Any] = {
    "stale_after_s": 3600,
    "alerts_isolation": "read_committed",
    "alert_threshold_medium": 0.25,
    "alert_threshold_high": 0.5,
    "alert_held_ms": 200,
    "spread_alert_multiplier": 1.2,
    "liquidity_alert_share": 0.25,
    "ofi_alert_z": 2.0,
}
pytestmark = pytest.mark.timeout(900)  # recoveries and one outage, on a busy machine


@dataclass
class Run:
    """The system after the run, the output of the domain for each key, and observations of Redis."""

    system: IsolatedSystem
    batches: dict[str, Batch]
    observer: RedisObserver
    in_time: set[str] = field(default_factory=set)  # ids of alerts on the topic before the database was back

    def in_order(self, kind: str) -> dict[str, Batch]:
        """Output for the keys of which no tick of the kind counts a late record: those are identical after faults.

        A machine that stops for seconds while records wait makes some late, and the live book has updates that are
        older than its snapshot's time.
        """
        lines_by_key = self.system.read("orderbook.ticks")
        ticks = {key: map(msgspec.json.decode, lines) for key, lines in lines_by_key.items()}
        late = {key for key, each in ticks.items() if any(t["late"] for t in each if t["kind"] == kind)}
        return {key: batch for key, batch in self.batches.items() if key not in late}

    def rows(self, query: str) -> pd.DataFrame:
        with psycopg.connect(self.system.stack.postgres_dsn) as connection:
            found = connection.execute(query)
            return pd.DataFrame(found.fetchall(), columns=[column.name for column in found.description or ()])

    def rows_of(self, table: str, key: str, time: str) -> pd.DataFrame:
        """Rows of a book, with the column `time` in epoch ms."""
        venue, _, symbol = key.partition(":")
        query = f"SELECT *, extract(epoch FROM {time}) * 1000 AS ms FROM {table} WHERE venue = '{venue}'"
        found = self.rows(f"{query} AND symbol = '{symbol}'")
        found[time] = found.pop("ms").astype("int64")
        return found

    def alerts(self) -> list[dict[str, Any]]:
        lines_by_key = self.system.read("orderbook.alerts")
        return [msgspec.json.decode(line) for lines in lines_by_key.values() for line in lines]


@pytest.fixture(scope="module")
def parts() -> list[list[Record]]:
    """Every frame, both recordings in the order in which they were received, in parts.

    PAUSE_MS of the venues' time lie between the parts: their clocks must not fall behind the wall clock, by which quiet
    books publish ticks, while the jobs recover.
    """
    recordings = [Recording(recorded_path(name), venue) for name, venue in FILES.items()]
    frames = [e for each in recordings for e in each if e.channel != "bookTicker"]
    frames.sort(key=lambda e: e.recv_us)
    size = len(frames) // PARTS + 1
    return [
        [(*route(e.venue, e.channel, e.symbol), later(e, n * PAUSE_MS)) for e in frames[n * size : (n + 1) * size]]
        for n in range(PARTS)
    ]


def later(envelope: Envelope, ms: int) -> bytes:
    """The raw record with all its times moved."""
    frame = re.sub(rb'"([ET])":\s*(\d{13})', lambda m: b'"%s":%d' % (m[1], int(m[2]) + ms), bytes(envelope.frame))
    moved = msgspec.structs.replace(envelope, frame=msgspec.Raw(frame), recv_us=envelope.recv_us + 1000 * ms)
    return msgspec.json.encode(moved)


@pytest.fixture(scope="module")
def live() -> list[Record]:
    """Frames of one more book: one is lost in the middle of the first connection, the second begins with a snapshot."""
    first, second = (
        list(islice(Generator(Plan((instrument(*LIVE.split(":")),), start_us=1_800_000_000_000_000 + us)), LIVE_FRAMES))
        for us in (0, 60_000_000)
    )
    lost = next(n for n, e in enumerate(first) if n > LIVE_FRAMES // 2 and e.channel.startswith("depth"))
    del first[lost]
    return [(*route(e.venue, e.channel, e.symbol), msgspec.json.encode(e)) for e in (*first, *second)]


@pytest.fixture(scope="module")
def batches(parts: list[list[Record]], live: list[Record]) -> dict[str, Batch]:
    values: dict[str, list[bytes | None]] = {}
    for _, key, value in (*chain.from_iterable(parts), *live):
        values.setdefault(key or "", []).append(value)
    return {
        key: open_builder(key, BookConfig(stale_after_s=SETTINGS["stale_after_s"])).apply_all(each)
        for key, each in values.items()
    }


@pytest.fixture(scope="module")
def raised(batches: dict[str, Batch]) -> dict[str, list[dict[str, Any]]]:
    """Alerts of an undisturbed run by key: those of the domain."""
    rules = RuleTable(alert_rules(Settings(_env_file=None, **SETTINGS)))
    found = {}
    for key, batch in batches.items():
        alerts = AlertEngine(key, rules, 3_600_000).apply_all(topics.TICKS.name, batch.ticks).alerts
        found[key] = [msgspec.json.decode(line) for _, line in alerts]
    return found


@pytest.fixture(scope="module")
def run(
    stack: Stack,
    parts: list[list[Record]],
    live: list[Record],
    batches: dict[str, Batch],
    raised: dict[str, list[dict[str, Any]]],
) -> Iterator[Run]:
    system = IsolatedSystem(stack, "faults.", **SETTINGS)
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE orderbook_windows, orderbook_alerts, orderbook_metrics, trades_1s")
    observer = RedisObserver(stack.redis_url, list(batches))
    found = Run(system, batches, observer)
    expected = {alert["id"] for key in (LIVE,) for alert in raised[key]}
    with system.running("books", "alerts", "analytics", "cache"), observing(observer):
        send_with_kills(system, parts)
        with outage(system, "postgres", "valkey"):
            system.send(live)
            await_(lambda: expected <= {alert["id"] for alert in found.alerts()}, "the alerts of the live book")
            found.in_time = expected
        for topic, kind in (("orderbook.processed", "processed"), ("trades", "trades")):
            total = sum(len(getattr(batch, kind)) for batch in batches.values())
            await_(lambda t=topic, n=total: system.count(t) == n, f"every record of {topic} to be committed")
        expected = {alert["id"] for key in found.in_order("book") for alert in raised[key] if alert["rule"] != SWEEP}
        await_(lambda: expected <= {alert["id"] for alert in found.alerts()}, "the alerts of all books")
        for table, count in published(system).items():
            await_(lambda t=table, n=count: stored(system, t) >= n, f"the rows of {table}")
        yield found


def published(system: IsolatedSystem) -> dict[str, int]:
    """Number of records on the topics now that are rows of each table."""
    windows = [msgspec.json.decode(line) for lines in system.read("orderbook.windows").values() for line in lines]
    last = sum(1 for window in windows if window["last"])
    counts = {"orderbook_windows": len(windows), "orderbook_metrics": last}
    return counts | {"trades_1s": system.count("trades.bars"), "orderbook_alerts": system.count("orderbook.alerts")}


def await_(condition: Any, description: str) -> None:
    wait_until(condition, description, PATIENCE_S)


def stored(system: IsolatedSystem, relation: str) -> int:
    with psycopg.connect(system.stack.postgres_dsn, autocommit=True) as connection:
        (found,) = connection.execute(f"SELECT count(*) FROM {relation}").fetchone() or (0,)
        return int(found)


def frame(lines: list[bytes]) -> pd.DataFrame:
    return pd.DataFrame([msgspec.json.decode(line) for line in lines])


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Equal rows. The job also closes what is open at the end of the records; `expected` has closed rows only."""
    found = found[found.index.isin(expected.index)]
    assert list(found.index) == list(expected.index)
    for column in expected:
        left, right = found[column].to_numpy(float), expected[column].to_numpy(float)
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9, err_msg=str(column))


def test_the_records_are_those_of_the_domain(run: Run) -> None:
    lines_by_key = run.system.read("orderbook.processed")
    assert lines_by_key == {key: batch.processed for key, batch in run.batches.items()}


def test_ticks_are_those_of_the_domain_each_once(run: Run) -> None:
    lines_by_key = run.system.read("orderbook.ticks")
    for kind in ("book", "trade"):
        for lines in lines_by_key.values():
            numbers = [tick["seq"] for tick in map(msgspec.json.decode, lines) if tick["kind"] == kind]
            assert numbers == list(range(len(numbers)))
        for key, batch in run.in_order(kind).items():
            start = b'{"kind":"%s"' % kind.encode()
            expected, found = (
                [line for line in lines if line.startswith(start)] for lines in (batch.ticks, lines_by_key[key])
            )
            assert found[: len(expected)] == expected


def test_every_update_and_trade_counts_once(run: Run) -> None:
    lines_by_key = run.system.read("orderbook.ticks")
    for key, batch in run.batches.items():
        ticks = [msgspec.json.decode(line) for line in lines_by_key[key]]
        counts = [sum(tick.get(name, 0) for tick in ticks) for name in ("updates", "trades")]
        assert counts == [len(batch.processed), len(batch.trades)]


def test_every_window_equals_that_of_the_reference_model(run: Run) -> None:
    for key, batch in run.in_order("book").items():
        found = run.rows_of("orderbook_windows", key, "window_start").set_index(["size", "window_start"]).sort_index()
        closed = frame(batch.windows).set_index(["size", "window_start"]).sort_index().index
        expected = windows(frame(batch.processed), frame(batch.statuses))
        assert_same(found, expected[expected.index.isin(closed)])
        assert len(closed) > 100


def test_the_topic_has_every_window_once(run: Run) -> None:
    found = frame([line for each in run.system.read("orderbook.windows").values() for line in each])
    assert not found.duplicated(["venue", "symbol", "size", "window_start"]).any()


def test_every_trade_bar_equals_that_of_the_reference_model(run: Run) -> None:
    for key, batch in run.in_order("trade").items():
        closed = [msgspec.json.decode(line)["window_start"] for line in batch.bars]
        found = run.rows_of("trades_1s", key, "ts").set_index("ts").sort_index()
        assert_same(found, trade_bars(frame(batch.trades)).loc[closed])


def test_the_metrics_of_a_second_are_those_of_its_last_record(run: Run) -> None:
    for key, batch in run.in_order("book").items():
        records = frame(batch.processed)
        expected = records.groupby(records["event_time"] // 1000 * 1000).last()[["update_id", "mid", "imbalance"]][:-1]
        assert_same(run.rows_of("orderbook_metrics", key, "ts").set_index("ts").sort_index(), expected)


def test_alerts_are_those_of_the_undisturbed_run_and_each_occurs_once(
    run: Run, raised: dict[str, list[dict[str, Any]]]
) -> None:
    alerts = run.alerts()
    ids = [alert["id"] for alert in alerts]
    assert len(set(ids)) == len(ids)
    await_(lambda: sorted(run.rows("SELECT id FROM orderbook_alerts")["id"]) == sorted(ids), "the rows of alerts")
    for key, batch in run.in_order("book").items():
        end = max(tick["event_time"] for tick in map(msgspec.json.decode, batch.ticks) if tick["kind"] == "book")
        found = [a for a in alerts if f"{a['venue']}:{a['symbol']}" == key and a["event_time"] <= end]
        assert counted(found) == counted(raised[key])
    assert len({alert["rule"] for alert in alerts}) > 3


def counted(alerts: list[dict[str, Any]]) -> Counter[bytes]:
    return Counter(msgspec.json.encode(alert, order="sorted") for alert in alerts if alert["rule"] != SWEEP)


def test_alerts_wait_neither_for_the_database_nor_for_silent_books(run: Run) -> None:
    """They were on the topic before the database was back, and no other book had a record meanwhile."""
    assert {tuple(each.split("|"))[::4] for each in run.in_time} >= {("book_stale", "enter"), ("book_stale", "exit")}


def test_redis_has_the_newest_book_of_each(run: Run) -> None:
    redis = Redis.from_url(run.system.stack.redis_url)
    for key, batch in run.batches.items():
        book = msgspec.json.decode(batch.book or b"")
        expected = msgspec.json.decode(batch.processed[-1]) | {side: book[side] for side in ("bids", "asks")}
        wait_until(lambda key=key, expected=expected: latest(redis, key) == expected, f"the newest book of {key}")


def test_redis_was_down_and_never_had_an_older_book_after_a_newer_one(run: Run) -> None:
    assert run.observer.failed_polls
    for ids in run.observer.update_ids.values():
        assert ids and ids == sorted(ids)


def test_rows_that_the_database_would_refuse_do_not_stop_the_job(run: Run) -> None:
    (valid,) = (line for line in run.batches[LIVE].windows[:1])
    row = msgspec.json.decode(valid) | {"venue": "other"}
    bad = (b"not JSON", None, *(msgspec.json.encode(row | each) for each in BAD))
    run.system.send(("orderbook.windows", "other:LIVE", value) for value in (*bad, msgspec.json.encode(row)))
    run.system.send(("options.chain", "other:LIVE", value) for value in bad)
    await_(lambda: stored(run.system, "orderbook_windows WHERE venue = 'other'") == 1, "the row after them")
    await_(lambda: refused_rows(run.system) == {"orderbook.windows": len(BAD), "options.chain": len(BAD)}, "letters")


def refused_rows(system: IsolatedSystem) -> Counter[str]:
    """Number of dead letters of the analytics job, by the topic of the record."""
    lines = (line for of_key in system.read("deadletter").values() for line in of_key)
    letters = {msgspec.json.decode(line, type=DeadLetter) for line in lines}  # a restart may repeat some
    prefix = system.settings.topic_prefix
    return Counter(each.topic.removeprefix(prefix) for each in letters if each.reason.startswith("the database"))


BAD: tuple[dict[str, object], ...] = (
    {"symbol": "A\0B"},
    {"symbol": "S" * 10_000},
    {"venue": None},
    {"window_start": 10**18},
    {"out_of_sync": None},
)

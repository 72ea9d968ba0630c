"""Recorded real frames through three jobs to PostgreSQL and Redis, while things die: equal to the domain and pandas.

The TaskManagers are killed three times, then database and Redis are away for ten seconds (a minute in a soak). What is
expected is computed outside Flink, but the alerts: those are what the job said of the same records in peace.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote

import msgspec
import numpy as np
import pandas as pd
import psycopg
import pytest
from pydantic import SecretStr
from redis import Redis

from ingestion.recordings import Recording
from ingestion.routing import route
from market.batch import Batch
from market.config import KeeperConfig
from market.keeper import open_keeper
from tests.conftest import Stack
from tests.frames import recorded_path
from tests.jobs.desk import Desk, Record, wait_until
from tests.market.recorded import SPOT_DAYS, USDM
from tests.sql.figures import trade_bars, windows
from tests.sql.passages import EARLIER_MS, HOURS, closing, minutes, peaceful
from tests.sql.trouble import Watch, disturb, latest, watching

FILES = {USDM[0]: "binance_usdm", SPOT_DAYS[0]: "binance"}  # of the same minutes
# As Flink's REST interface and reporters name them.
LATE_RECORDS = r".*\.numLateRecordsDropped"
pytestmark = pytest.mark.timeout(600)  # three recoveries and an outage, on a busy machine

BAD: dict[bytes | None, str] = {
    b"not JSON": "expected a JSON object",
    None: "expected a record, got a null value",
    b'{"venue":null,"symbol":"X","event_time":1}': "expected a venue and a symbol, got null",
    b'{"venue":"v","symbol":"X"}': "expected an event_time in ms, got none",
    b'{"venue":"v","symbol":"X","event_time":1,"update_id":1}': "expected an update_id, a depth and levels",
}
# Silence of a book is told by the wall clock, which these recordings know nothing of. While the books job recovers
# there are no trades: as long as that takes on a slow machine, they hold alerts back, or sweeps would be late.
SETTINGS = {"stale_after_s": 3600, "idle_trades_s": 60}


@dataclass
class Run:
    """What the domain makes of each key's records, the desk on which the jobs worked them off, and what Redis held."""

    desk: Desk
    batches: dict[str, Batch]
    watch: Watch

    def rows(self, query: str) -> pd.DataFrame:
        with psycopg.connect(self.desk.stack.postgres_dsn) as connection:
            found = connection.execute(query)
            return pd.DataFrame(found.fetchall(), columns=[column.name for column in found.description or ()])


@pytest.fixture(scope="module")
def envelopes() -> list[tuple[int, Record]]:
    """Receive time and raw record of every frame, both recordings in the order in which they were received."""
    found = []
    for name, venue in FILES.items():
        for e in Recording(recorded_path(name), venue):
            if e.channel != "bookTicker":
                found.append((e.recv_us, (*route(e.venue, e.channel, e.symbol), msgspec.json.encode(e))))
    return sorted(found, key=lambda each: each[0])


@pytest.fixture(scope="module")
def batches(envelopes: list[tuple[int, Record]]) -> dict[str, Batch]:
    values: dict[str, list[bytes | None]] = {}
    for _, (_, key, value) in envelopes:
        values.setdefault(key or "", []).append(value)
    return {key: open_keeper(key, KeeperConfig()).apply_all(each) for key, each in values.items()}


@pytest.fixture(scope="module")
def run(stack: Stack, envelopes: list[tuple[int, Record]], batches: dict[str, Batch]) -> Iterator[Run]:
    desk = Desk(stack, "figures.", redis_url=SecretStr(stack.redis_url), **SETTINGS)
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE orderbook_windows, orderbook_alerts, orderbook_metrics, trades_1s")
    watch = Watch(stack.redis_url, list(batches))
    with desk.running("books", "analytics", "cache"), watching(watch):
        desk.send([*peaceful(batches), *closing(batches, "respite", -EARLIER_MS)])
        wait_until(lambda: closed(desk, "respite"), "the windows of peace")
        disturb(desk, [record for _, record in envelopes])
        total = 2 * sum(len(batch.processed) for batch in batches.values()) + HOURS
        wait_until(lambda: desk.count("orderbook.processed") == total, "every record to be committed")
        desk.send(closing(batches, "closing"))
        wait_until(lambda: closed(desk, "closing"), "the closing windows")
        wait_until(lambda: closed_bars(desk) >= 2 * bars(batches), "every bar of trades")
        before = checkpoints(desk)
        wait_until(lambda: checkpoints(desk) > before + 1, "a checkpoint that began after them")
        for name in ("windows", "alerts"):
            wait_until(lambda n=name: stored(desk, f"orderbook_{n}") == desk.count(f"orderbook.{n}"), name)
        yield Run(desk, batches, watch)


def closed(desk: Desk, venue: str) -> bool:
    """Whether the windows before the last of the hours that follow are in the table."""
    return stored(desk, f"orderbook_windows WHERE venue = '{venue}' AND size = '1s'") == HOURS - 1


def closed_bars(desk: Desk) -> int:
    return stored(desk, "trades_1s WHERE venue NOT IN ('respite', 'closing')")


def bars(batches: dict[str, Batch]) -> int:
    """How many seconds the books have trades in."""
    return sum(len(trade_bars(frame(batch.trades))) for batch in batches.values())


def checkpoints(desk: Desk) -> int:
    """How many the analytics job has completed: each flushes to the table, and to the topic, what came before it."""
    (job,) = desk.cluster.running("analytics")
    return int(desk.cluster.get(f"/jobs/{job}/checkpoints")["counts"]["completed"])


def stored(desk: Desk, what: str) -> int:
    with psycopg.connect(desk.stack.postgres_dsn, autocommit=True) as connection:
        (found,) = connection.execute(f"SELECT count(*) FROM {what}").fetchone() or (0,)
        return int(found)


def counted(desk: Desk, metric: str) -> int | None:
    """Sum of the metrics of the analytics job's operators whose names match; None while Flink knows of none."""
    (job,) = desk.cluster.running("analytics")
    found = []
    for vertex in desk.cluster.get(f"/jobs/{job}")["vertices"]:
        place = f"/jobs/{job}/vertices/{vertex['id']}/subtasks/metrics"
        for known in desk.cluster.get(place):
            if re.fullmatch(metric, known["id"]):
                found.append(int(desk.cluster.get(f"{place}?get={quote(known['id'])}")[0]["sum"]))
    return sum(found) if found else None


def frame(lines: list[bytes]) -> pd.DataFrame:
    return pd.DataFrame([msgspec.json.decode(line) for line in lines])


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    assert list(found.index) == list(wanted.index)
    for column in wanted:
        got, expected = found[column].to_numpy(float), wanted[column].to_numpy(float)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9, err_msg=str(column))


def test_the_records_are_those_of_the_domain(run: Run) -> None:
    said = run.desk.read("orderbook.processed")
    assert {key: said[key] for key in run.batches} == {key: batch.processed for key, batch in run.batches.items()}


def test_every_window_is_that_of_pandas(run: Run) -> None:
    for key, batch in run.batches.items():
        venue, _, symbol = key.partition(":")
        found = run.rows(
            f"SELECT *, extract(epoch FROM window_start) * 1000 AS start_ms FROM orderbook_windows "
            f"WHERE venue = '{venue}' AND symbol = '{symbol}'"
        )
        found["window_start"] = found.pop("start_ms").astype("int64")
        same(
            found.set_index(["size", "window_start"]).sort_index(),
            windows(frame(batch.processed), frame(batch.statuses)),
        )


def test_the_topic_of_windows_has_each_once_and_as_the_table(run: Run) -> None:
    lines = [line for said in run.desk.read("orderbook.windows").values() for line in said]
    found = frame(lines)
    found["ts"] = pd.to_datetime(found["window_start"], unit="ms", utc=True)
    names = ["venue", "symbol", "size", "ts"]
    assert not found.duplicated(names).any()
    table = run.rows("SELECT *, window_start AS ts FROM orderbook_windows").set_index(names).sort_index()
    said = found.set_index(names).sort_index()
    same(said[["updates", "imbalance_twa", "ofi_sum"]], table[["updates", "imbalance_twa", "ofi_sum"]])


def test_every_bar_of_trades_is_that_of_pandas(run: Run) -> None:
    for key, batch in run.batches.items():
        venue, _, symbol = key.partition(":")
        query = f"SELECT *, extract(epoch FROM ts) * 1000 AS ms FROM trades_1s WHERE venue = '{venue}'"
        found = run.rows(f"{query} AND symbol = '{symbol}'")
        found["ts"] = found.pop("ms").astype("int64")
        same(found.set_index("ts").sort_index(), trade_bars(frame(batch.trades)))


def test_a_second_of_metrics_is_its_last_record(run: Run) -> None:
    for key, batch in run.batches.items():
        venue, _, symbol = key.partition(":")
        records = frame(batch.processed)
        wanted = records.groupby(records["event_time"] // 1000).last()
        found = run.rows(f"SELECT * FROM orderbook_metrics WHERE venue = '{venue}' AND symbol = '{symbol}' ORDER BY ts")
        assert list(found["update_id"]) == list(wanted["update_id"])


def test_alerts_are_those_of_peace_and_each_comes_once(run: Run) -> None:
    said = run.desk.read("orderbook.alerts")
    alerts = [msgspec.json.decode(line) for lines in said.values() for line in lines]
    ids = [alert["id"] for alert in alerts]
    assert len(set(ids)) == len(ids)
    assert sorted(run.rows("SELECT id FROM orderbook_alerts")["id"]) == sorted(ids)
    disturbed = Counter(fired(alert) for alert in alerts if f"{alert['venue']}:{alert['symbol']}" in run.batches)
    assert disturbed == Counter(fired(alert, EARLIER_MS) for alert in alerts if alert["venue"] == "peaceful")
    assert len({rule for rule, *_ in disturbed}) > 3


def fired(alert: dict[str, Any], shift_ms: int = 0) -> tuple[object, ...]:
    """What an alert says, but for whose it is; an alert of peace `shift_ms` later."""
    times = (alert[name] + shift_ms for name in ("episode", "event_time"))
    return *(alert[name] for name in ("rule", "phase", "severity", "threshold")), f"{alert['value']:.9g}", *times


def test_redis_has_the_newest_book_of_each(run: Run) -> None:
    redis = Redis.from_url(run.desk.stack.redis_url)
    for key, batch in run.batches.items():
        book = msgspec.json.decode(batch.book or b"")
        wanted = msgspec.json.decode(batch.processed[-1]) | {side: book[side] for side in ("bids", "asks")}
        wait_until(lambda key=key, wanted=wanted: latest(redis, key) == wanted, f"the newest book of {key}")


def test_redis_was_away_and_never_had_an_older_book_after_a_newer_one(run: Run) -> None:
    assert run.watch.away
    for ids in run.watch.kept.values():
        assert ids and ids == sorted(ids)


def test_a_late_record_is_counted(run: Run) -> None:
    key, batch = next(iter(run.batches.items()))
    wait_until(lambda: counted(run.desk, LATE_RECORDS) is not None, "Flink to know its metrics")
    before = counted(run.desk, LATE_RECORDS) or 0
    run.desk.send([("orderbook.processed", key, batch.processed[0])])  # its windows closed hours of event time ago
    wait_until(lambda: (counted(run.desk, LATE_RECORDS) or 0) > before, "the late record to be counted")


def test_bad_records_are_dead_letters_and_the_job_goes_on(run: Run) -> None:
    run.desk.send(("orderbook.processed", "bad:X", value) for value in BAD)
    wait_until(lambda: len(run.desk.read("deadletter").get("bad:X", ())) == len(BAD), "the dead letters")
    letters = [msgspec.json.decode(line) for line in run.desk.read("deadletter")["bad:X"]]
    assert [letter["reason"] for letter in letters] == list(BAD.values())
    assert {letter["topic"] for letter in letters} == {"figures.orderbook.processed"}
    assert run.desk.cluster.running("analytics")


def test_a_partition_that_falls_silent_holds_the_others_only_until_it_counts_as_idle(run: Run) -> None:
    """They are read no further than three seconds of event time ahead of it, and go on when it no longer counts."""
    records = minutes(run.batches)
    run.desk.send(islice(records, 2))

    def gone_on() -> bool:
        run.desk.send(islice(records, 1))
        return stored(run.desk, "orderbook_windows WHERE venue = 'steady' AND size = '1s'") >= 20

    wait_until(gone_on, "the windows of the other partition")

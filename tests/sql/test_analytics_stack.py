"""Recorded real frames through three jobs to PostgreSQL and Redis, while things die: equal to the domain and pandas.

Every TaskManager is killed three times, and the database is away for ten seconds (a minute in a soak). What is expected
is computed outside Flink, but the alerts: those are what the same SQL says, undisturbed, of the domain's own records.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import psycopg
import pytest
from kafka.partitioner import murmur2
from pydantic import SecretStr
from redis import Redis

from ingestion.recordings import Recording
from ingestion.routing import route
from jobs.analytics import ALERT_VIEWS, BOOK_VIEWS, CHAIN_VIEWS, TRADE_VIEWS
from jobs.connectors import alert_defaults
from market.batch import Batch
from market.config import KeeperConfig
from market.keeper import open_keeper
from market.settings import Settings
from stack.credentials import load_credentials
from stack.processes import Supervisor
from stack.ready import answers, ask_postgres
from tests.conftest import Stack
from tests.flink import Row, rows_of
from tests.jobs.desk import Desk, Record, kill_taskmanagers, wait_until
from tests.market.recorded import FOLDER, SPOT_DAYS, USDM
from tests.sql.figures import trade_bars, windows

FILES = {USDM[0]: "binance_usdm", SPOT_DAYS[0]: "binance"}  # of the same minutes
pytestmark = pytest.mark.timeout(600)  # three recoveries and an outage, on a busy machine

AWAY_S = 60 if os.environ.get("DEPTHFLOW_SOAK") else 10
LATER_MS = 3_600_000
BAD: dict[bytes | None, str] = {
    b"not JSON": "expected a JSON object",
    None: "expected a record, got a null value",
    b'{"venue":null,"symbol":"X","event_time":1}': "expected a venue and a symbol, got null",
    b'{"venue":"v","symbol":"X"}': "expected an event_time in ms, got none",
    b'{"venue":"v","symbol":"X","event_time":1,"update_id":1}': "expected an update_id, a depth and levels",
}
# Silence is told by the wall clock, which these recordings know nothing of; one of the two partitions has no book.
SETTINGS = {"stale_after_s": 3600, "idle_partition_s": 15}


@dataclass
class Run:
    """What went in, what the domain makes of it by key, and the desk on which the jobs worked it off."""

    desk: Desk
    batches: dict[str, Batch]
    late: float  # rows, as the operators count them

    def rows(self, query: str) -> pd.DataFrame:
        with psycopg.connect(self.desk.stack.postgres_dsn) as connection:
            found = connection.execute(query)
            return pd.DataFrame(found.fetchall(), columns=[column.name for column in found.description or ()])


@pytest.fixture(scope="module")
def envelopes() -> list[tuple[int, Record]]:
    """Receive time and raw record of every frame, both recordings in the order in which they were received."""
    found = []
    for name, venue in FILES.items():
        if not (FOLDER / name).exists():
            pytest.skip(f"needs the recorded frames ../shared/frames/{name}")
        for e in Recording(FOLDER / name, venue):
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
    quarter = len(envelopes) // 4
    with desk.running("books", "analytics", "cache"):
        for part in range(4):
            already = desk.count("orderbook.processed")
            desk.send(record for _, record in envelopes[part * quarter : (part + 1) * quarter + 4 * (part == 3)])
            wait_until(lambda before=already: desk.count("orderbook.processed") > before, "books of the next part")
            kill_taskmanagers(desk) if part < 3 else take_away_the_database(desk)
        total = sum(len(batch.processed) for batch in batches.values())
        wait_until(lambda: desk.count("orderbook.processed") == total, "every record to be committed")
        desk.send(closing(batches))
        minutes = "SELECT count(*) FROM orderbook_windows WHERE venue = 'closing' AND size = '1s'"
        with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
            wait_until(lambda: connection.execute(minutes).fetchone() == (2,), "the closing windows")
            for name in ("windows", "alerts"):
                stored = f"SELECT count(*) FROM orderbook_{name}"
                wait_until(
                    lambda q=stored, n=name: connection.execute(q).fetchone() == (desk.count(f"orderbook.{n}"),), name
                )
        yield Run(desk, batches, metric(desk, "numLateRecordsDropped"))


def take_away_the_database(desk: Desk) -> None:
    supervisor = Supervisor(desk.stack.home)
    supervisor.stop_program("postgres")
    gone_at = time.monotonic()
    wait_until(lambda: time.monotonic() - gone_at > AWAY_S, "the database to be away long enough")
    supervisor.start_program("postgres")
    settings = desk.stack.settings
    credentials = load_credentials(settings)
    wait_until(lambda: answers(lambda: ask_postgres(settings, credentials)), "the database to be back")


def closing(batches: dict[str, Batch]) -> Iterator[Record]:
    """Records of later hours, in the partition of the books: with them every window of the recordings has closed."""
    last = max(
        (json.loads(batch.processed[-1]) for batch in batches.values()), key=lambda each: int(each["event_time"])
    )
    (partition,) = {partition_of(key) for key in batches}
    symbol = next(name for name in "ABCDEFGH" if partition_of(f"closing:{name}") == partition)
    for hour in (1, 2, 3):
        moved = {"venue": "closing", "symbol": symbol, "event_time": last["event_time"] + hour * LATER_MS}
        yield "orderbook.processed", f"closing:{symbol}", json.dumps(last | moved).encode()


def partition_of(key: str) -> int:
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % 2


def metric(desk: Desk, name: str) -> float:
    """Sum of a metric over the operators of the analytics job."""
    (job,) = desk.cluster.running("analytics")
    total = 0.0
    for vertex in desk.cluster.get(f"/jobs/{job}")["vertices"]:
        place = f"/jobs/{job}/vertices/{vertex['id']}/subtasks/metrics"
        for known in desk.cluster.get(place):
            if known["id"].endswith(name):
                total += desk.cluster.get(f"{place}?get={known['id'].replace(' ', '%20')}")[0]["sum"]
    return total


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


def test_nothing_is_late_in_a_replay_at_full_speed(run: Run) -> None:
    assert run.late == 0


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


def test_alerts_are_those_of_an_undisturbed_run_and_each_comes_once(
    run: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [line for said in run.desk.read("orderbook.alerts").values() for line in said]
    found = sorted((msgspec.json.decode(line) for line in lines), key=lambda alert: alert["id"])
    ids = [alert["id"] for alert in found if alert["venue"] != "closing"]
    assert len(set(ids)) == len(ids)
    assert sorted(run.rows("SELECT id FROM orderbook_alerts WHERE venue <> 'closing'")["id"]) == ids
    wanted = undisturbed(run.batches, tmp_path_factory.mktemp("undisturbed"))
    assert ids == sorted(alert["id"] for alert in wanted if alert["venue"] != "closing")
    assert len({alert["rule"] for alert in wanted}) > 3


def undisturbed(batches: dict[str, Batch], folder: Any) -> list[Row]:
    """Alerts of a local job over the domain's records, sorted by time."""

    def rows(kind: str) -> list[Row]:
        lines = [line for batch in batches.values() for line in getattr(batch, kind)]
        return sorted((msgspec.json.decode(line) for line in lines), key=lambda row: row["event_time"])

    later = [msgspec.json.decode(value or b"") for _, _, value in closing(batches)]
    inputs: dict[str, list[Row | str]] = {
        "processed": [*rows("processed"), *later], "statuses": [*rows("statuses")], "trades": [*rows("trades")],
        "option_chains": [], "option_surfaces": [], "underlying_ticks": [], "alert_rules": [],
    }  # fmt: skip
    relations = ("functions/standing", *BOOK_VIEWS, *TRADE_VIEWS, *CHAIN_VIEWS, *ALERT_VIEWS)
    return rows_of(["alerts"], inputs, relations, folder, **alert_defaults(Settings(_env_file=None)))["alerts"]


def test_redis_has_the_newest_book_of_each(run: Run) -> None:
    redis = Redis.from_url(run.desk.stack.redis_url)
    for key, batch in run.batches.items():
        book = msgspec.json.decode(batch.book or b"")
        wanted = msgspec.json.decode(batch.processed[-1]) | {side: book[side] for side in ("bids", "asks")}
        wait_until(lambda key=key, wanted=wanted: latest(redis, key) == wanted, f"the newest book of {key}")


def latest(redis: Redis, key: str) -> Any:
    return msgspec.json.decode(redis.get(f"orderbook:{key}:latest") or b"null")


def test_bad_records_are_dead_letters_and_the_job_goes_on(run: Run) -> None:
    run.desk.send(("orderbook.processed", "bad:X", value) for value in BAD)
    wait_until(lambda: len(run.desk.read("deadletter").get("bad:X", ())) == len(BAD), "the dead letters")
    letters = [msgspec.json.decode(line) for line in run.desk.read("deadletter")["bad:X"]]
    assert [letter["reason"] for letter in letters] == list(BAD.values())
    assert {letter["topic"] for letter in letters} == {"figures.orderbook.processed"}
    assert run.desk.cluster.running("analytics")

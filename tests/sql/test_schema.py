"""init-db.sql on a real PostgreSQL; its TimescaleDB branch, which cannot run here, as text against design.md §5."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from stack.credentials import READER, WRITER
from stack.settings import ROOT
from tests.database import Database

SCRIPT = ROOT / "init-db.sql"
TABLES = {
    *("orderbook_metrics", "orderbook_windows", "orderbook_alerts", "trades_1s"),
    *("option_chain_metrics", "option_surface", "underlying_ticks"),
}
VIEWS = {
    *("orderbook_metrics_1m", "orderbook_metrics_1h", "trades_1m", "trades_1h", "dashboard_summary"),
    *("option_chain_1m", "option_chain_1h", "underlying_ticks_1m", "underlying_ticks_1h"),
    *("option_chains", "option_positioning", "option_term_structure", "option_interest_changes", "option_build_ups"),
    *("option_iv_30d", "option_iv_rank"),
}
NOON = "2026-01-01 12:00:00+00"
# The schema as it was before windows, alerts and trades.
FIRST_CUT = """
CREATE TABLE orderbook_metrics (
  ts timestamptz NOT NULL, venue text NOT NULL, symbol text NOT NULL, event_time bigint NOT NULL,
  update_id bigint NOT NULL, best_bid double precision, best_bid_size double precision, best_ask double precision,
  best_ask_size double precision, mid double precision, microprice double precision, spread double precision,
  spread_bps double precision, bid_depth double precision, ask_depth double precision, imbalance double precision,
  weighted_imbalance double precision, vtob double precision, ofi double precision, levels_bid integer NOT NULL,
  levels_ask integer NOT NULL, depth integer NOT NULL, flags text NOT NULL DEFAULT '',
  PRIMARY KEY (venue, symbol, ts));
INSERT INTO orderbook_metrics (ts, venue, symbol, event_time, update_id, levels_bid, levels_ask, depth)
VALUES (now(), 'kraken', 'BTC/USD', 1, 7, 10, 10, 10);
"""


@pytest.fixture
def fresh(database: Database) -> Iterator[psycopg.Connection]:
    """A connection to a database that the script made."""
    dsn = database.create("fresh")
    database.psql(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def relations(connection: psycopg.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    return dict(rows.fetchall())


def metrics(
    connection: psycopg.Connection, ts: str, imbalance: float | None, mid: float, symbol: str = "BTCUSDT"
) -> None:
    connection.execute(
        "INSERT INTO orderbook_metrics "
        "(ts, venue, symbol, event_time, update_id, imbalance, mid, levels_bid, levels_ask, depth) VALUES "
        "(%(ts)s, 'binance', %(symbol)s, extract(epoch FROM %(ts)s::timestamptz) * 1000, 1, %(imbalance)s, %(mid)s, "
        "10, 10, 10)",
        {"ts": ts, "symbol": symbol, "imbalance": imbalance, "mid": mid},
    )


def trade_second(connection: psycopg.Connection, ts: str, prices: list[float], volume: float) -> None:
    first, *_, last = prices
    connection.execute(
        "INSERT INTO trades_1s VALUES (%s, 'binance', 'BTCUSDT', %s, %s, %s, %s, %s, %s, %s, 0, 4, 2)",
        [ts, first, max(prices), min(prices), last, volume, volume * last, last],
    )


def test_plain_postgres_has_every_table_and_every_view(fresh: psycopg.Connection) -> None:
    found = relations(fresh)
    assert {name for name, kind in found.items() if kind == "r"} == TABLES
    assert {name for name, kind in found.items() if kind == "v"} == VIEWS


def test_a_notice_says_what_only_timescaledb_adds(database: Database) -> None:
    assert "TimescaleDB is not available here: no hypertables" in database.psql(database.create("noticed"))


def test_twice_in_a_row_keeps_relations_and_rows(database: Database, fresh: psycopg.Connection) -> None:
    metrics(fresh, NOON, 0.5, 100.0)
    before = relations(fresh)
    database.psql(database.dsn("fresh"))
    assert relations(fresh) == before
    assert fresh.execute("SELECT count(*) FROM orderbook_metrics").fetchone() == (1,)


def test_an_upgrade_keeps_what_the_first_cut_stored(database: Database) -> None:
    dsn = database.create("upgraded")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(FIRST_CUT)
        database.psql(dsn)
        assert relations(connection).keys() >= TABLES | VIEWS
        assert connection.execute("SELECT symbol FROM dashboard_summary").fetchall() == [("BTC/USD",)]
        assert connection.execute("SELECT update_id FROM orderbook_metrics").fetchall() == [(7,)]


def test_minutes_open_close_and_mean_their_seconds(fresh: psycopg.Connection) -> None:
    for second, imbalance, mid in ((1, 0.2, 100.0), (0, 0.4, 99.0), (59, 0.6, 101.0), (60, -1.0, 50.0)):
        metrics(fresh, f"2026-01-01 12:{second // 60:02}:{second % 60:02}+00", imbalance, mid)
    query = (
        "SELECT seconds, mid_open, mid_high, mid_low, mid_close, imbalance FROM orderbook_metrics_1m ORDER BY bucket"
    )
    minutes = fresh.execute(query).fetchall()
    assert minutes[0] == (3, 99.0, 101.0, 99.0, 101.0, pytest.approx(0.4))
    assert minutes[1] == (1, 50.0, 50.0, 50.0, 50.0, -1.0)


def test_an_hour_weighs_its_minutes_by_their_seconds(fresh: psycopg.Connection) -> None:
    for ts, imbalance in (("12:00:00", 0.1), ("12:00:01", 0.3), ("12:59:00", 0.8)):
        metrics(fresh, f"2026-01-01 {ts}+00", imbalance, 100.0)
    query = "SELECT seconds, imbalance, imbalance_low, imbalance_high FROM orderbook_metrics_1h"
    assert fresh.execute(query).fetchall() == [(3, pytest.approx(0.4), 0.1, 0.8)]


def test_trade_bars_of_a_minute_and_of_an_hour(fresh: psycopg.Connection) -> None:
    trade_second(fresh, "2026-01-01 12:00:00+00", [10.0, 12.0, 11.0], 2.0)
    trade_second(fresh, "2026-01-01 12:00:30+00", [11.0, 9.0], 1.0)
    trade_second(fresh, "2026-01-01 12:05:00+00", [20.0, 20.0], 1.0)
    columns = "open, high, low, close, volume, vwap, trades"
    assert fresh.execute(f"SELECT {columns} FROM trades_1m ORDER BY bucket").fetchone() == (
        10.0, 12.0, 9.0, 9.0, 3.0, pytest.approx(31 / 3), 8,
    )  # fmt: skip
    assert fresh.execute(f"SELECT {columns} FROM trades_1h").fetchall() == [(10.0, 20.0, 9.0, 20.0, 4.0, 12.75, 12)]


def test_the_summary_has_the_latest_of_every_symbol_and_the_alerts_of_an_hour(fresh: psycopg.Connection) -> None:
    for symbol in ("ETHUSDT", "BTCUSDT"):
        metrics(fresh, "2026-01-01 12:00:00+00", 0.1, 100.0, symbol)
        metrics(fresh, "2026-01-01 12:00:01+00", 0.2, 101.0, symbol)
    fresh.execute(
        "INSERT INTO orderbook_alerts SELECT 'a' || minutes || phase, ts, ts, 'binance', 'BTCUSDT', 'book_stale', "
        "'high', phase, 1, 1, '' FROM (VALUES (1, 'enter'), (2, 'exit'), (90, 'enter')) AS said (minutes, phase), "
        "LATERAL (SELECT now() - minutes * INTERVAL '1 minute' AS ts)"
    )
    rows = fresh.execute("SELECT symbol, mid, imbalance, alerts_1h, high_alerts_1h, age_s > 0 FROM dashboard_summary")
    assert rows.fetchall() == [("BTCUSDT", 101.0, 0.2, 1, 1, True), ("ETHUSDT", 101.0, 0.2, 0, 0, True)]


def test_the_writer_may_upsert_and_the_dashboard_may_only_read(database: Database, fresh: psycopg.Connection) -> None:
    row = "INSERT INTO trades_1s VALUES (now(), 'v', 's', 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)"
    upsert = f"{row} ON CONFLICT (venue, symbol, ts) DO UPDATE SET open = 2"
    fresh.execute(f"SET ROLE {WRITER}")
    fresh.execute(upsert)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        fresh.execute("DELETE FROM trades_1s")
    fresh.execute(f"SET ROLE {READER}")
    for relation in TABLES | VIEWS:
        fresh.execute(f"SELECT * FROM {relation}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        fresh.execute(upsert)


def squeezed(path: Path) -> str:
    return re.sub(r"\s+", " ", path.read_text())


@pytest.mark.parametrize(
    "words",
    [
        "create_hypertable(stored.name::regclass, by_range(stored.time_column::name, INTERVAL '1 day'), if_not_exists",
        "SET (timescaledb.enable_columnstore, timescaledb.segmentby = %L, timescaledb.orderby = %L)",
        "CALL add_columnstore_policy(%L, after => INTERVAL ''1 day'', if_not_exists => true)",
        "add_retention_policy(stored.name::regclass, stored.kept, if_not_exists => true)",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS %I WITH (timescaledb.continuous) AS %s WITH NO DATA",
        "SET (timescaledb.materialized_only = false)",
        "add_continuous_aggregate_policy( wanted.name::regclass,",
        "schedule_interval => wanted.every, if_not_exists => true",
    ],
)
def test_timescaledb_is_spoken_to_in_the_words_seen_to_work(words: str) -> None:
    assert words in squeezed(SCRIPT)


def test_every_table_becomes_a_hypertable_by_a_column_of_its_primary_key(fresh: psycopg.Connection) -> None:
    listed = re.findall(r"\('(\w+)', '(\w+)', INTERVAL '\w+ \w+', '[\w,]+'\),?\n", SCRIPT.read_text())
    assert {name for name, _ in listed} == TABLES
    keys = (
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) "
        "WHERE indisprimary AND indrelid = %s::regclass"
    )
    for name, column in listed:
        assert (column,) in fresh.execute(keys, [name]).fetchall()

"""init-db.sql on a real PostgreSQL; its TimescaleDB branch, which cannot run here, is checked as text."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.resources import ROOT
from stack.services.credentials import ACCOUNTS as GATEWAY_ACCOUNTS
from stack.services.credentials import GATEWAY_READER, READER, WRITER
from tests.database import Database

SCRIPT = ROOT / "init-db.sql"
TABLES = {
    *("orderbook_metrics", "orderbook_windows", "orderbook_alerts", "book_states", "trades_1s"),
    *("option_chain_metrics", "option_surface", "underlying_ticks"),
}
ACCOUNTS = {"users", "refresh_tokens"}
VIEWS = {
    *("orderbook_metrics_1m", "orderbook_metrics_1h", "trades_1m", "trades_1h", "dashboard_summary"),
    *("option_chain_1m", "option_chain_1h", "underlying_ticks_1m", "underlying_ticks_1h"),
    *("option_chains", "option_positioning", "option_term_structure", "option_interest_changes", "option_build_ups"),
    *("option_iv_30d", "option_iv_rank"),
}
NOON = "2026-01-01 12:00:00+00"
# The first schema, without windows, alerts and trades.
FIRST_SCHEMA = """
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
    """A connection to a database created by the script."""
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
    assert {name for name, kind in found.items() if kind == "r"} == TABLES | ACCOUNTS
    assert {name for name, kind in found.items() if kind == "v"} == VIEWS


def test_a_notice_lists_what_only_timescaledb_adds(database: Database) -> None:
    assert "TimescaleDB is not available here: no hypertables" in database.psql(database.create("noticed"))


def test_a_second_run_keeps_relations_and_rows(database: Database, fresh: psycopg.Connection) -> None:
    metrics(fresh, NOON, 0.5, 100.0)
    before = relations(fresh)
    database.psql(database.dsn("fresh"))
    assert relations(fresh) == before
    assert fresh.execute("SELECT count(*) FROM orderbook_metrics").fetchone() == (1,)


def test_an_upgrade_from_the_first_schema_keeps_its_rows(database: Database) -> None:
    dsn = database.create("upgraded")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(FIRST_SCHEMA)
        database.psql(dsn)
        assert relations(connection).keys() >= TABLES | VIEWS
        assert connection.execute("SELECT symbol FROM dashboard_summary").fetchall() == [("BTC/USD",)]
        assert connection.execute("SELECT update_id FROM orderbook_metrics").fetchall() == [(7,)]


def test_minutes_have_open_close_and_mean_of_their_seconds(fresh: psycopg.Connection) -> None:
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
        "'high', phase, 1, 1, '' FROM (VALUES (1, 'enter'), (2, 'exit'), (90, 'enter')) AS alerts (minutes, phase), "
        "LATERAL (SELECT now() - minutes * INTERVAL '1 minute' AS ts)"
    )
    rows = fresh.execute("SELECT symbol, mid, imbalance, alerts_1h, high_alerts_1h, age_s > 0 FROM dashboard_summary")
    assert rows.fetchall() == [("BTCUSDT", 101.0, 0.2, 1, 1, True), ("ETHUSDT", 101.0, 0.2, 0, 0, True)]


def test_the_query_of_the_documents_gives_the_share_of_a_day_in_sync(fresh: psycopg.Connection) -> None:
    page = (ROOT / "docs" / "sql.md").read_text()
    (query,) = re.findall(r"```sql\n(SELECT .*? AS in_sync\n.*?)```", page, re.DOTALL)
    for symbol, hours, state, offset in (("A", 30, "synced", 1), ("A", 6, "gap", 2), ("A", 6, "synced", 3)):
        fresh.execute(
            "INSERT INTO book_states VALUES (now() - %s * INTERVAL '1 hour', 'v', %s, %s, '', 0, %s)",
            [hours, symbol, state, offset],
        )
    fresh.execute("INSERT INTO book_states VALUES (now() - INTERVAL '18 hours', 'v', 'B', 'synced', '', 0, 1)")
    fresh.execute("INSERT INTO book_states VALUES (now() - INTERVAL '6 hours', 'v', 'B', 'stale', '', 0, 2)")
    shares = {symbol: float(share) for _, symbol, share in fresh.execute(query).fetchall()}
    assert shares == {"A": pytest.approx(1, abs=1e-3), "B": pytest.approx(12 / 18, abs=1e-3)}


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


def test_accounts_belong_to_a_role_of_their_own(fresh: psycopg.Connection) -> None:
    for role in (WRITER, READER, GATEWAY_READER):
        for table in ACCOUNTS:
            fresh.execute(f"SET ROLE {role}")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                fresh.execute(f"SELECT * FROM {table}")
            fresh.execute("RESET ROLE")
    fresh.execute(f"SET ROLE {GATEWAY_READER}")
    for relation in TABLES | VIEWS:
        fresh.execute(f"SELECT * FROM {relation}")
    fresh.execute(f"SET ROLE {GATEWAY_ACCOUNTS}")
    fresh.execute("INSERT INTO users (username, password) VALUES ('ada', 'hash')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        fresh.execute("SELECT * FROM trades_1s")


def test_rights_are_given_and_taken_in_one_transaction() -> None:
    """Between the statements, other roles could read the accounts, which the last ones take from them."""
    before, rights, after = re.split(r"^(?:BEGIN|COMMIT);.*$", SCRIPT.read_text(), flags=re.MULTILINE)
    assert "REVOKE ALL ON users, refresh_tokens" in rights
    assert not re.search(r"^(?:GRANT|REVOKE)\b", before + after, re.MULTILINE)


HYPERTABLES = re.findall(r"\('(\w+)', '(\w+)', INTERVAL '(\w+ \w+)', '([\w,]+)', '([\w ,]+)'\),?\n", SCRIPT.read_text())
AGGREGATES = re.findall(r"\('(\w+)', INTERVAL '(\w+ \w+)', INTERVAL '(\w+ \w+)', \$view\$", SCRIPT.read_text())
SECONDS_OF = {"minute": 60, "hour": 3600, "day": 86_400, "year": 31_536_000}


def seconds(interval: str) -> int:
    count, unit = interval.split()
    return int(count) * SECONDS_OF[unit.removesuffix("s")]


def squeezed(path: Path) -> str:
    return re.sub(r"\s+", " ", path.read_text())


@pytest.mark.parametrize(
    "words",
    [
        "create_hypertable( stored.name::regclass, by_range(stored.time_column::name, INTERVAL '1 day'), if_not_exists",
        "SET (timescaledb.enable_columnstore, timescaledb.segmentby = %L, timescaledb.orderby = %L)",
        "CALL add_columnstore_policy(%L, after => INTERVAL ''1 day'', if_not_exists => true)",
        "add_retention_policy(stored.name::regclass, stored.retention, if_not_exists => true)",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS %I WITH (timescaledb.continuous) AS %s WITH NO DATA",
        "SET (timescaledb.materialized_only = false)",
        "add_continuous_aggregate_policy( wanted.name::regclass,",
        "schedule_interval => wanted.every, if_not_exists => true",
        "alter_job( job.job_id, config => job.config || jsonb_build_object('start_offset', wanted.refreshed::text) )",
        "SELECT format('CALL refresh_continuous_aggregate(%L, NULL, NULL)', name) FROM string_to_table(",
    ],
)
def test_timescaledb_is_called_with_the_statements_seen_to_work(words: str) -> None:
    assert words in squeezed(SCRIPT)


def test_every_table_becomes_a_hypertable_by_a_column_of_its_primary_key(fresh: psycopg.Connection) -> None:
    listed = [(name, column) for name, column, *_ in HYPERTABLES]
    assert {name for name, _ in listed} == TABLES
    keys = (
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) "
        "WHERE indisprimary AND indrelid = %s::regclass"
    )
    for name, column in listed:
        assert (column,) in fresh.execute(keys, [name]).fetchall()


def test_every_column_of_a_primary_key_segments_or_orders_the_compressed_rows(fresh: psycopg.Connection) -> None:
    keys = (
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) "
        "WHERE indisprimary AND indrelid = %s::regclass"
    )
    for name, _, _, segment, ordering in HYPERTABLES:
        sorted_by = {part.split()[0] for part in ordering.split(",")}
        assert {column for (column,) in fresh.execute(keys, [name])} <= set(segment.split(",")) | sorted_by


def test_aggregates_are_refreshed_as_far_back_as_an_outage_and_less_far_than_rows_are_kept() -> None:
    """After an outage of three hours, a refresh of the last hour alone missed 241 of 361 minutes."""
    retention = min(seconds(kept) for _, _, kept, _, _ in HYPERTABLES)
    assert len(AGGREGATES) == 8
    for name, refreshed, every in AGGREGATES:
        wanted = ("7 days", "1 minute") if name.endswith("_1m") else ("30 days", "1 hour")
        assert (refreshed, every) == wanted and seconds(refreshed) <= retention


def test_only_the_timescale_edition_gets_what_the_apache_edition_refuses() -> None:
    """The Apache edition refuses compression, policies and continuous aggregates with an error."""
    script = squeezed(SCRIPT)
    leaves = script.index("CONTINUE WHEN current_setting('depthflow.edition') = 'apache'")
    assert script.index("PERFORM create_hypertable(") < leaves
    for licensed in ("timescaledb.enable_columnstore", "add_columnstore_policy", "PERFORM add_retention_policy"):
        assert leaves < script.index(licensed)
    assert "timescale constant boolean := current_setting('depthflow.edition') = 'timescale'" in script
    assert "TimescaleDB has its Apache edition here: no compression, no retention" in script
    assert "TimescaleDB 2.18 or newer is needed" in script


def test_views_compare_columns_one_by_one_and_alerts_by_their_episode() -> None:
    """TimescaleDB does not apply `(a, b) > (x, y)` inside compressed chunks; alerts are partitioned by `episode`."""
    views = [view for view in SCRIPT.read_text().split("CREATE OR REPLACE VIEW ")[1:]]
    for view in views:
        statement = view.partition(";")[0]
        assert not re.search(r"\(\w+\.\w+, \w+\.\w+\) [<>]", statement)
        assert "orderbook_alerts" not in statement or "a.episode >" in statement


def test_the_summary_finds_every_symbol_of_every_venue(fresh: psycopg.Connection) -> None:
    """Symbols sort differently in each venue, so that the step to the next venue must not skip any."""
    expected = [("binance", "B"), ("binance", "Z"), ("kraken", "A"), ("kraken", "B"), ("okx", "Z")]
    for venue, symbol in expected:
        fresh.execute(
            "INSERT INTO orderbook_metrics (ts, venue, symbol, event_time, update_id, levels_bid, levels_ask, depth) "
            "VALUES (%s, %s, %s, 1, 1, 1, 1, 1)",
            (NOON, venue, symbol),
        )
    assert fresh.execute("SELECT venue, symbol FROM dashboard_summary").fetchall() == expected

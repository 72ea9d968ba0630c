"""The option tables of init-db.sql and the views over them, on a real PostgreSQL, from hand-written rows."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import psycopg
import pytest
from psycopg import sql

from market.options.records import ChainRecord, SurfaceRecord, UnderlyingTick
from tests.database import Database

NOW = datetime.now(timezone.utc).replace(minute=30, second=0, microsecond=0)
HOUR = timedelta(hours=1)
JUNE, SEPTEMBER = (NOW + timedelta(days=days) for days in (20, 50))
TABLES = {"option_chain_metrics": ChainRecord, "option_surface": SurfaceRecord, "underlying_ticks": UnderlyingTick}
NUMBERS = {"strikes": 1, "options": 2, "expiries": 2, "svi_points": 0, "strike": 100.0, "years": 0.1}


@pytest.fixture(scope="module")
def chains(database: Database) -> Iterator[psycopg.Connection]:
    dsn = database.create("chains")
    database.psql(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        fill(connection)
        yield connection


def put(connection: psycopg.Connection, table: str, ts: datetime, **values: object) -> None:
    """Insert one row; required columns that are not given are 0."""
    found = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND is_nullable = 'NO'",
        [table],
    )
    row: dict[str, object] = {name: 0 for name, _ in found.fetchall()}
    row |= {name: value for name, value in NUMBERS.items() if name in row}
    row |= {"ts": ts, "venue": "deribit", "underlying": "BTC", "event_time": int(ts.timestamp() * 1000)}
    row |= ({"linear": False} if "linear" in row else {}) | ({"flags": ""} if "flags" in row else {}) | values
    columns = sql.SQL(", ").join(map(sql.Identifier, row))
    places = sql.SQL(", ").join(map(sql.Placeholder, row))
    connection.execute(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), columns, places), row)


def leg(
    connection: psycopg.Connection, ts: datetime, name: str, open_interest: float, build_up: str | None = "neutral"
) -> None:
    known = {"instrument": f"BTC-{name}", "expiry": JUNE, "kind": "call" if name.endswith("C") else "put"}
    put(connection, "option_surface", ts, **known, open_interest=open_interest, build_up=build_up)


def fill(connection: psycopg.Connection) -> None:
    for hours, near, far in ((2, 0.4, 0.5), (1, 0.6, 0.6), (0, 0.5, 0.5)):
        for expiry, days, vol in ((JUNE, 20, near), (SEPTEMBER, 50, far)):
            values = {"forward": 100.0, "max_pain": 98.0 + hours, "pcr_open_interest": 0.5 + hours, "atm_iv": vol}
            put(connection, "option_chain_metrics", NOW - hours * HOUR, expiry=expiry, years=days / 365, **values)
        put(connection, "underlying_ticks", NOW - hours * HOUR, index_price=100.0 + hours, pcr_open_interest=2.0)
    for ago, open_interest in ((25 * HOUR, 10.0), (HOUR, 40.0), (timedelta(minutes=6), 90.0), (timedelta(0), 100.0)):
        leg(connection, NOW - ago, "100-C", open_interest, "long_build_up")
    leg(connection, NOW - timedelta(minutes=5), "100-P", 50.0)
    leg(connection, NOW, "100-P", 20.0, "long_unwinding")
    leg(connection, NOW, "110-C", 5.0, None)


def test_tables_have_the_fields_of_the_records(chains: psycopg.Connection) -> None:
    for table, record in TABLES.items():
        named = chains.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
        assert {name for (name,) in named.fetchall()} == {"ts", *record.__struct_fields__}


def test_a_chain_is_its_newest_second(chains: psycopg.Connection) -> None:
    found = chains.execute("SELECT venue, underlying, ts, index_price FROM option_chains").fetchall()
    assert found == [("deribit", "BTC", NOW, 100.0)]


def test_positioning_has_a_history_by_expiry_and_for_the_whole_chain(chains: psycopg.Connection) -> None:
    query = "SELECT pcr_open_interest, max_pain, max_pain_distance FROM option_positioning WHERE expiry "
    assert chains.execute(f"{query} = %s ORDER BY bucket", [JUNE]).fetchall() == [
        (2.5, 100.0, 0.0),
        (1.5, 99.0, pytest.approx(-0.01)),
        (0.5, 98.0, pytest.approx(-0.02)),
    ]
    assert chains.execute(f"{query} IS NULL").fetchall() == [(2.0, None, None)] * 3


def test_the_term_structure_is_that_of_the_newest_second(chains: psycopg.Connection) -> None:
    query = "SELECT round(days::numeric), atm_iv, ts FROM option_term_structure ORDER BY expiry"
    assert chains.execute(query).fetchall() == [(20, 0.5, NOW), (50, 0.5, NOW)]


def test_open_interest_against_five_minutes_an_hour_and_a_day_before(chains: psycopg.Connection) -> None:
    query = "SELECT instrument, open_interest, change_5m, change_1h, change_1d FROM option_interest_changes ORDER BY 1"
    assert chains.execute(query).fetchall() == [
        ("BTC-100-C", 100.0, 10.0, 60.0, 90.0),
        ("BTC-100-P", 20.0, -30.0, None, None),
        ("BTC-110-C", 5.0, None, None, None),
    ]


def test_the_largest_build_ups_come_first(chains: psycopg.Connection) -> None:
    query = "SELECT place, instrument, build_up, change_5m FROM option_build_ups ORDER BY place"
    assert chains.execute(query).fetchall() == [
        (1, "BTC-100-P", "long_unwinding", -30.0),
        (2, "BTC-100-C", "long_build_up", 10.0),
    ]


def test_volatility_at_thirty_days_lies_between_its_neighbours_by_total_variance(chains: psycopg.Connection) -> None:
    (first, *_) = chains.execute("SELECT iv FROM option_iv_30d ORDER BY bucket").fetchall()
    variance = 0.4**2 * 20 + (0.5**2 * 50 - 0.4**2 * 20) * (30 - 20) / (50 - 20)
    assert first == (pytest.approx((variance / 30) ** 0.5),)


def test_iv_rank_is_the_rank_of_the_newest_hour_in_a_year(chains: psycopg.Connection) -> None:
    low = chains.execute("SELECT min(iv) FROM option_iv_30d").fetchone()
    query = "SELECT iv, low, high, hours, iv_rank, iv_percentile FROM option_iv_rank"
    ((iv, lowest, high, hours, rank, percentile),) = chains.execute(query).fetchall()
    assert (lowest, high, hours, percentile) == (low[0], pytest.approx(0.6), 3, 0.5)
    assert rank == pytest.approx((0.5 - lowest) / (0.6 - lowest)) and iv == pytest.approx(0.5)


def test_iv_rank_names_the_reason_where_there_is_none(chains: psycopg.Connection) -> None:
    with chains.transaction(force_rollback=True):
        put(chains, "underlying_ticks", NOW, underlying="NEW")
        query = "SELECT hours, iv_rank, note FROM option_iv_rank WHERE underlying = 'NEW'"
        assert chains.execute(query).fetchall() == [
            (0, None, "no complete hour with volatilities at the money of expiries on both sides of 30 days")
        ]
    assert chains.execute("SELECT note FROM option_iv_rank WHERE underlying <> 'NEW'").fetchall() == [(None,)]

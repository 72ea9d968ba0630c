"""Quality of books by their changes of state, in a real database."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from gateway.api.history import quality
from gateway.database import Database
from stack.services.credentials import GATEWAY_READER, OWNER
from tests.gateway.conftest import Backend

HOUR_MS = 3_600_000
VENUE = "elsewhere"
INSERT = "INSERT INTO book_states VALUES (to_timestamp(%s / 1000.0), %s, %s, %s, 'test', %s, %s)"


@pytest.fixture
def connection(backend: Backend) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose rows are removed at the end."""
    with psycopg.connect(backend.dsn(OWNER), autocommit=True) as connection:
        yield connection
        for table in ("book_states", "orderbook_windows"):
            connection.execute(f"DELETE FROM {table} WHERE venue = %s", [VENUE])


def write(connection: psycopg.Connection[Any], symbol: str, since: int, states: list[tuple[int, str]]) -> None:
    """A window in the hour, and changes of state by their time from its begin on."""
    window = "INSERT INTO orderbook_windows (window_start, venue, symbol, size, updates, out_of_sync)"
    connection.execute(
        f"{window} VALUES (to_timestamp(%s / 1000.0), %s, %s, '1m', 0, 1)", (since + 60_000, VENUE, symbol)
    )
    for offset, (at, state) in enumerate(states):
        connection.execute(INSERT, (since + at, VENUE, symbol, state, since + at, offset))


def rows(backend: Backend, since: int) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        database = Database(backend.dsn(GATEWAY_READER), 1, read_only=True)
        await database.open()
        try:
            return await quality(database, since)
        finally:
            await database.close()

    return asyncio.run(read())


def row_of(backend: Backend, since: int, symbol: str) -> dict[str, Any]:
    (row,) = [row for row in rows(backend, since) if (row["venue"], row["symbol"]) == (VENUE, symbol)]
    return row


@pytest.mark.parametrize(
    ("symbol", "states", "gaps", "longest_s"),
    [
        ("BEFORE", [(-60_000, "gap"), (30_000, "synced")], 0, 30),  # from the begin of the hour
        (
            "TWICE",
            [
                (0, "synced"),
                (10_000, "gap"),
                (15_000, "stale"),
                (40_000, "synced"),
                (50_000, "gap"),
                (51_000, "synced"),
            ],
            2,
            30,
        ),
        ("CALM", [(-60_000, "gap"), (-50_000, "synced")], 0, None),
    ],
)
def test_an_outage_lasts_until_the_book_is_in_sync_again(
    backend: Backend,
    connection: psycopg.Connection[Any],
    symbol: str,
    states: list[tuple[int, str]],
    gaps: int,
    longest_s: float | None,
) -> None:
    since = int(time.time() * 1000) - HOUR_MS
    write(connection, symbol, since, states)
    found = row_of(backend, since, symbol)
    assert (found["gaps"], found["longest_out_of_sync_s"]) == (gaps, longest_s)


@pytest.mark.parametrize(("hours", "listed"), [(2, True), (26, False)])
def test_a_book_that_was_lost_before_is_listed_for_a_day_without_a_record(
    backend: Backend, connection: psycopg.Connection[Any], hours: int, listed: bool
) -> None:
    since = int(time.time() * 1000) - HOUR_MS
    lost = since - (hours - 1) * HOUR_MS
    connection.execute(INSERT, (lost, VENUE, "GONE", "stale", lost, 0))
    found = [row["symbol"] for row in rows(backend, since) if row["venue"] == VENUE]
    assert found == ["GONE"] * listed


def test_an_outage_that_lasts_is_counted_up_to_now(backend: Backend, connection: psycopg.Connection[Any]) -> None:
    since = int(time.time() * 1000) - HOUR_MS
    write(connection, "LOST", since, [(-1, "untrusted")])
    assert 3600 <= row_of(backend, since, "LOST")["longest_out_of_sync_s"] < 3700

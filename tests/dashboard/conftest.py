"""A PostgreSQL with the schema for the tests of the dashboard's history."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from dashboard.history.database import History
from stack.services import postgres
from stack.services.credentials import DATABASE, GATEWAY_READER, WRITER
from tests.database import Database, running_database

TABLES = (
    *("orderbook_metrics", "orderbook_windows", "orderbook_alerts", "book_states"),
    *("option_chain_metrics", "underlying_ticks"),
)


@pytest.fixture(scope="session")
def history_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with running_database(tmp_path_factory.mktemp("history")) as database:
        postgres.apply_schema(database.settings, database.credentials)
        yield database


def empty(database: Database) -> None:
    """Remove the rows of earlier tests."""
    with psycopg.connect(database.dsn(DATABASE)) as connection:
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, TABLES))))


@pytest.fixture
def writer(history_server: Database) -> str:
    """DSN of the jobs' role on empty tables."""
    empty(history_server)
    return history_server.dsn(DATABASE, WRITER)


@pytest.fixture
def history(history_server: Database, writer: str) -> History:
    """Queries of the reading role on empty tables."""
    return History(history_server.dsn(DATABASE, GATEWAY_READER))

"""Temporary tables of a benchmark: empty copies of the public schema's tables, in a schema of their own."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr

from bench.offsets import Count
from core.errors import UserError
from core.settings import Settings

OWNER = "depthflow"
TABLES = ("orderbook_metrics", "orderbook_windows", "orderbook_alerts", "trades_1s", "book_states")
OTHER_TABLES = ("option_chain_metrics", "option_surface", "underlying_ticks")


class OwnerSettings(Settings):
    """Settings with the password of the database's owner: the role of the jobs may neither create nor drop tables."""

    postgres_password: SecretStr = SecretStr("")


@contextmanager
def temporary_tables(dsn: str, schema: str) -> Iterator[str]:
    """Yields the connection string of empty tables for a job. Raises UserError without the owner's password."""
    password = OwnerSettings().postgres_password.get_secret_value()
    if not dsn or not password:
        raise UserError("POSTGRES_DSN or the owner's POSTGRES_PASSWORD is not set: run `depthflow up`, or set both")
    owner = make_conninfo(dsn, user=OWNER, password=password)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
        try:
            for table in TABLES + OTHER_TABLES:
                statement = SQL("CREATE TABLE {} (LIKE public.{} INCLUDING ALL)")
                connection.execute(statement.format(Identifier(schema, table), Identifier(table)))
            yield make_conninfo(owner, options=f"-c search_path={schema}")
        finally:
            connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))


def row_count(connection: psycopg.Connection) -> Count:
    """A count of the rows in all tables that order books fill."""
    parts = " + ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)

    def count() -> int:
        row = connection.execute(f"SELECT {parts}").fetchone()
        assert row is not None
        return int(row[0])

    return count

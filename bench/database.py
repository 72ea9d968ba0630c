"""Tables of a benchmark's own: those of the public schema, empty, in a schema that is gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bench.offsets import Count
from market.errors import UserError

OWNER = "depthflow"
TABLES = ("orderbook_metrics", "orderbook_windows", "orderbook_alerts", "trades_1s")
OTHERS = ("option_chain_metrics", "option_surface", "underlying_ticks")


class OwnerSettings(BaseSettings):
    """What the environment says of the database's owner: the jobs' role may neither create nor drop."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    postgres_password: SecretStr = SecretStr("")


@contextmanager
def own_tables(dsn: str, schema: str) -> Iterator[str]:
    """Yields the connection string that leads a job to empty tables. Raises UserError without an owner to make them."""
    password = OwnerSettings().postgres_password.get_secret_value()
    if not dsn or not password:
        raise UserError("POSTGRES_DSN or POSTGRES_PASSWORD, the owner's, is not set: `depthflow up`, or set them")
    owner = make_conninfo(dsn, user=OWNER, password=password)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
        try:
            for table in TABLES + OTHERS:
                statement = SQL("CREATE TABLE {} (LIKE public.{} INCLUDING ALL)")
                connection.execute(statement.format(Identifier(schema, table), Identifier(table)))
            yield make_conninfo(owner, options=f"-c search_path={schema}")
        finally:
            connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))


def rows(connection: psycopg.Connection) -> Count:
    """What counts the rows of all tables that books fill."""
    parts = " + ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)

    def count() -> int:
        found = connection.execute(f"SELECT {parts}").fetchone()
        assert found is not None
        return int(found[0])

    return count

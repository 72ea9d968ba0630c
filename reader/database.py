"""The database that readers ask."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import dict_row

from market.settings import Settings
from reader.datasets import ReaderError

PATIENCE_S = 10


@contextmanager
def connection(settings: Settings) -> Iterator[Connection[dict[str, Any]]]:
    """One with rows as dicts. Raises ReaderError when there is none, none answers, or what it is asked for fails."""
    dsn = settings.postgres_dsn.get_secret_value()
    if not dsn:
        raise ReaderError("POSTGRES_DSN is not set: `depthflow up` writes one into credentials.env")
    try:
        with psycopg.connect(dsn, row_factory=dict_row, connect_timeout=PATIENCE_S) as opened:
            yield opened
    except psycopg.Error as error:
        raise ReaderError(f"the database cannot be read: {str(error).strip()}") from error

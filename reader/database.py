"""Connection to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import dict_row

from core.settings import Settings
from reader.errors import ReaderError

CONNECT_TIMEOUT_S = 10


@contextmanager
def connect(settings: Settings) -> Iterator[Connection[dict[str, Any]]]:
    """Connect to POSTGRES_DSN; rows are dicts. Raises ReaderError without a DSN or when a request fails."""
    dsn = settings.postgres_dsn.get_secret_value()
    if not dsn:
        raise ReaderError("POSTGRES_DSN is not set; `depthflow up` writes it to credentials.env")
    try:
        with psycopg.connect(dsn, row_factory=dict_row, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            yield connection
    except psycopg.Error as error:
        raise ReaderError(f"reading from the database failed: {str(error).strip()}") from error

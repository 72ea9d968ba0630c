"""Queries of the reading role, as tables of pandas."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import psycopg
from psycopg import sql

from core.errors import UserError

STATEMENT_TIMEOUT_MS = 15_000
OPTIONS = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c default_transaction_read_only=on -c TimeZone=UTC"
TIMES, FLOATS = (1184,), (700, 701, 1700)  # type oids: timestamptz; real, double precision, numeric


class HistoryError(UserError):
    """A query has no answer."""


@dataclass(frozen=True)
class Span:
    """From `start` to before `end`, both with a time zone."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True)
class History:
    """The database under the DSN of its reading role. A connection lasts for one query."""

    dsn: str

    def frame(self, query: str, parameters: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Rows of a query. Times are UTC, numbers that may be null are floats. Raises HistoryError."""
        try:
            with psycopg.connect(self.dsn, options=OPTIONS, connect_timeout=3) as connection:
                cursor = connection.execute(sql.SQL(query), parameters)
                rows, columns = cursor.fetchall(), cursor.description or []
        except psycopg.errors.QueryCanceled:
            limit = STATEMENT_TIMEOUT_MS // 1000
            raise HistoryError(f"the database took more than {limit} s: choose a shorter span") from None
        except psycopg.Error as error:
            cause = str(error).strip().splitlines()
            raise HistoryError(f"the database does not answer: {cause[0] if cause else type(error).__name__}") from None
        found: pd.DataFrame = pd.DataFrame(rows, columns=[each.name for each in columns])
        for each in columns:
            if each.type_code in TIMES:
                found[each.name] = pd.to_datetime(found[each.name], utc=True)
            elif each.type_code in FLOATS:
                found[each.name] = found[each.name].astype(float)
        return found

"""Pools of database connections."""

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from gateway.encoding import Row

STATEMENT_TIMEOUT_MS = 5000
POOL_WAIT_S = 2


class Database:
    """A pool of one role. Queries raise psycopg.Error; PoolTimeout when no connection is free within POOL_WAIT_S."""

    def __init__(self, dsn: str, connections: int, read_only: bool) -> None:
        options = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c TimeZone=UTC"
        if read_only:
            options += " -c default_transaction_read_only=on"
        self.pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=connections,
            timeout=POOL_WAIT_S,
            open=False,
            kwargs={"row_factory": dict_row, "options": options, "connect_timeout": 3},
            check=AsyncConnectionPool.check_connection,
            reconnect_timeout=0,
        )

    async def open(self) -> None:
        """Start connecting in the background; an unavailable database is no error."""
        await self.pool.open(wait=False)

    async def close(self) -> None:
        await self.pool.close(timeout=1)

    async def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Rows of a query as dicts; changes are committed."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(query.encode(), parameters)
            return await cursor.fetchall() if cursor.description else []

    async def row(self, query: str, parameters: Mapping[str, Any] | None = None) -> Row | None:
        """The first row, if there is one."""
        found = await self.rows(query, parameters)
        return found[0] if found else None

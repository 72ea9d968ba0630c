"""Streams of past spans, from the best source that has the span."""

import asyncio
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import msgspec
import structlog
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from gateway.database import Database
from gateway.problems import Problem
from gateway.replay.database_records import StoredSpan
from gateway.replay.processes import Processes
from gateway.replay.rebuilt import header
from gateway.replay.request import ReplayRequest, line

PROBE_S = 0.5
REACH_MS = 10_000  # before a book was in sync lie its snapshot and the updates that bridge to it
UNKNOWN_REACH_MS = 600_000  # where the database does not know a snapshot
DATABASE_UNAVAILABLE = (DatabaseError, PoolTimeout)

log = structlog.get_logger("gateway")


class Replays:
    """Opens streams. `brokers`: host:port with commas between them."""

    def __init__(self, database: Database, brokers: str) -> None:
        self._database, self._brokers = database, brokers
        self._processes = Processes()

    async def open(self, request: ReplayRequest) -> AsyncGenerator[bytes, None]:
        """Lines of a span, the first of which has been read. Raises Problem 404 or 429."""
        stream = self._stream(request)
        try:
            first = await anext(stream)
        except BaseException:
            await stream.aclose()
            raise
        return _resumed(first, stream)

    async def _stream(self, request: ReplayRequest) -> AsyncGenerator[bytes, None]:
        stored = StoredSpan(self._database, request)
        reason = await self._absent(request)
        if reason is None:
            whole = msgspec.structs.replace(request, start_ms=await _start_ms(request, stored))
            rebuilt = self._processes.rebuild(whole)
            began = False
            async for chunk, unavailable in rebuilt:
                if unavailable is not None:
                    reason = unavailable
                    break
                yield chunk
                if not began and chunk.startswith(b'{"time":') and b'"event":"header"' in chunk[:64]:
                    began = True
                    for each in await _alerts(stored):
                        yield each
            await rebuilt.aclose()
            if reason is None:
                return
        if request.source not in ("auto", "database"):
            raise Problem(404, f"{request.key}: {reason}")
        async for each in self._from_database(request, stored, reason or None):
            yield each

    async def _absent(self, request: ReplayRequest) -> str | None:
        """Reason why no frames can be read, empty if none are wanted; None if reading has to be tried."""
        if request.source == "database":
            return ""
        if request.source == "recording" or (request.source == "auto" and request.recording):
            return None if request.recording else "recording: REPLAY_RECORDING names no folder"
        server = self._brokers.split(",")[0].strip()
        address = urlsplit(f"//{server}")
        try:
            opening = asyncio.open_connection(address.hostname, address.port or 9092)
            _, writer = await asyncio.wait_for(opening, PROBE_S)
        except (OSError, asyncio.TimeoutError, ValueError):
            return f"topic: no broker answers at {server}"
        writer.close()
        return None

    async def _from_database(
        self, request: ReplayRequest, stored: StoredSpan, reason: str | None
    ) -> AsyncGenerator[bytes, None]:
        lines, cut = await stored.books()
        if not lines:
            detail = f"; {reason}" if reason else ""
            raise Problem(404, f"nothing of {request.key} is stored in the span{detail}")
        yield line(request.from_ms, "header", header(request, "database", depth=False, reason=reason))
        for each in await _alerts(stored) + lines:
            yield each
        books = sum(b'"event":"book_record"' in each[:64] for each in lines)
        yield line(request.to_ms, "end", {"complete": cut is None, "reason": cut, "books": books, "trades": 0})


async def _resumed(first: bytes, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The stream with its first line, which was read already. A problem after that becomes the last line."""
    try:
        yield first
        async for each in stream:
            yield each
    except Problem as problem:
        yield line(0, "end", {"complete": False, "reason": str(problem), "books": 0, "trades": 0})
    finally:
        await stream.aclose()


async def _start_ms(request: ReplayRequest, stored: StoredSpan) -> int:
    try:
        synced_ms = await stored.synced_ms()
    except DATABASE_UNAVAILABLE:
        synced_ms = None
    return request.from_ms - UNKNOWN_REACH_MS if synced_ms is None else synced_ms - REACH_MS


async def _alerts(stored: StoredSpan) -> list[bytes]:
    """Lines of alerts; none while the database is unavailable."""
    try:
        return await stored.alerts()
    except DATABASE_UNAVAILABLE as error:
        log.warning("replay without alerts", error=type(error).__name__)
        return []

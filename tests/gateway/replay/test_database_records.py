"""Spans with more rows in the database than a replay takes."""

import asyncio
import json
import time
from typing import Any

import pytest

from gateway.database import Database
from gateway.replay import database_records
from gateway.replay.database_records import StoredSpan
from gateway.replay.request import ReplayRequest
from stack.services.credentials import GATEWAY_READER
from tests.gateway.conftest import Backend
from tests.gateway.feeder import Feeder

HOUR_MS = 3_600_000


def stored(backend: Backend) -> tuple[list[dict[str, Any]], str | None]:
    """Lines of the last hour, and why they are not complete."""

    async def read() -> tuple[list[bytes], str | None]:
        database = Database(backend.dsn(GATEWAY_READER), 1, read_only=True)
        await database.open()
        try:
            now_ms = int(time.time() * 1000)
            request = ReplayRequest("kraken", "BTC/USD", now_ms - HOUR_MS, now_ms, 0)
            return await StoredSpan(database, request).books()
        finally:
            await database.close()

    lines, reason = asyncio.run(read())
    return [json.loads(each) for each in lines], reason


def test_a_span_with_too_many_rows_is_cut_at_one_time_and_says_so(
    backend: Backend, feeder: Feeder, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, reason = stored(backend)
    assert reason is None and len(whole) > 3
    monkeypatch.setattr(database_records, "MAX_ROWS", 2)
    cut, reason = stored(backend)
    assert cut == whole[: len(cut)] and 2 <= len(cut) < len(whole)
    assert (
        reason == f"the database has more than 2 rows of the span; the first left out is of {whole[len(cut)]['time']}"
    )

"""Rebuilding processes whose clients read slowly or not at all."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from gateway.problems import Problem
from gateway.replay import processes
from gateway.replay.processes import MAX_PROCESSES, Processes
from gateway.replay.request import ReplayRequest
from tests.gateway.replay.test_recorded_records import FIXTURES, record, request

WAIT_S = 20
ENDLESS = """
import sys
while True:
    sys.stdout.write('{"time":0,"event":"header","payload":{}}\\n')
"""


async def endless(_: ReplayRequest) -> Process:
    """In place of a process that rebuilds a long span."""
    return await asyncio.create_subprocess_exec(sys.executable, "-c", ENDLESS, stdout=PIPE, limit=1024)


async def first_lines(rebuilding: Processes, given: ReplayRequest) -> AsyncGenerator[tuple[bytes, str | None], None]:
    """A stream whose client has taken the first line and no more."""
    stream = rebuilding.rebuild(given)
    assert b'"event":"header"' in (await anext(stream))[0]
    return stream


async def once_free(opened: Callable[[], Awaitable[AsyncGenerator[tuple[bytes, str | None], None]]]) -> None:
    """Open one more stream as soon as that is allowed, and end it."""
    until = time.monotonic() + WAIT_S
    while True:
        try:
            return await (await opened()).aclose()
        except Problem as problem:
            assert str(problem) == f"{MAX_PROCESSES} replays run already" and time.monotonic() < until
            await asyncio.sleep(0.05)


def test_a_process_that_has_ended_gives_way_although_its_lines_wait(tmp_path: Path) -> None:
    key, _, first, last = record(tmp_path, FIXTURES[0])
    given = request(key, tmp_path, first, last)

    async def follow() -> None:
        rebuilding = Processes()
        streams = [await first_lines(rebuilding, given) for _ in range(MAX_PROCESSES)]
        await once_free(lambda: first_lines(rebuilding, given))
        lines = b"".join([chunk async for chunk, _ in streams[0]]).splitlines()
        assert b'"event":"end"' in lines[-1]
        await streams[1].aclose()

    asyncio.run(follow())


def test_a_client_that_takes_nothing_loses_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_start", endless)
    given = ReplayRequest("kraken", "BTC/USD", 0, 1, 0)
    before = psutil.Process().children()

    async def follow() -> None:
        rebuilding = Processes(patience_s=0.2)
        streams = [await first_lines(rebuilding, given) for _ in range(MAX_PROCESSES)]
        await once_free(lambda: first_lines(rebuilding, given))
        for stream in streams:
            rest = [chunk async for chunk, _ in stream]  # ends
            assert sum(map(len, rest)) < 1_000_000

    asyncio.run(follow())
    assert psutil.Process().children() == before

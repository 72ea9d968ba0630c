"""Processes that rebuild spans, one for each stream."""

import asyncio
import sys
from asyncio import StreamReader
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import msgspec

from gateway.problems import Problem
from gateway.replay.request import ReplayRequest

MAX_PROCESSES = 2  # at the same time in one gateway
PATIENCE_S = 60.0
CHUNK_BYTES = 64 * 1024
MAX_LINE_BYTES = 16 * 1024 * 1024


class _Head(msgspec.Struct):
    event: str
    payload: dict[str, object] = {}


@dataclass(eq=False)
class _Worker:
    process: Process | None = None  # None: about to start


class Processes:
    """Runs at most MAX_PROCESSES. Each ends with its client.

    A client that takes nothing for `patience_s` loses its process; its stream then ends without the line `end`.
    """

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._workers: set[_Worker] = set()

    async def rebuild(self, request: ReplayRequest) -> AsyncGenerator[tuple[bytes, str | None], None]:
        """Chunks of lines, the header in one of its own. For an unavailable span: an empty chunk with the reason.

        Raises Problem 429 while MAX_PROCESSES run.
        """
        async with self._started(request) as (worker, output):
            while head := await output.readline():
                found = msgspec.json.decode(head, type=_Head)
                if found.event == "unavailable":
                    yield b"", str(found.payload["reason"])
                    return
                with self._patience(worker):
                    yield head, None
                if found.event == "header":
                    break
            else:
                yield b"", "the rebuilding process failed; the gateway's log has the cause"
                return
            while chunk := await output.read(CHUNK_BYTES):
                with self._patience(worker):
                    yield chunk, None

    @asynccontextmanager
    async def _started(self, request: ReplayRequest) -> AsyncIterator[tuple[_Worker, StreamReader]]:
        """A process and its lines. Another may start when it has ended, although its lines wait to be taken."""
        if len(self._workers) >= MAX_PROCESSES:
            raise Problem(429, f"{MAX_PROCESSES} replays run already", headers={"Retry-After": "5"})
        self._workers.add(worker := _Worker())
        try:
            process = worker.process = await _start(request)
            assert process.stdout is not None
            ended = asyncio.create_task(process.wait())
            ended.add_done_callback(lambda _: self._workers.discard(worker))
            yield worker, process.stdout
            await ended
        finally:
            self._end(worker)
            if worker.process is not None:
                await worker.process.communicate()  # reads what is left, so that the pipe is closed

    @contextmanager
    def _patience(self, worker: _Worker) -> Iterator[None]:
        """The time in which the client takes what it was given."""
        timer = asyncio.get_running_loop().call_later(self._patience_s, self._end, worker)
        try:
            yield
        finally:
            timer.cancel()

    def _end(self, worker: _Worker) -> None:
        """Kill the process if it runs, and let another one start."""
        self._workers.discard(worker)
        if worker.process is not None and worker.process.returncode is None:
            worker.process.kill()


async def _start(request: ReplayRequest) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.replay.worker", msgspec.json.encode(request).decode()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        limit=MAX_LINE_BYTES,
    )

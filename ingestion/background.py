"""Background threads and tasks: none of them ends unnoticed.

Whatever a thread or task raises becomes a UserError that names it, is logged with its traceback, and reaches a callback
(threads) or `Background.wait` (tasks and callbacks of an event loop), which ends the process with status 1.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from threading import Lock, Thread
from typing import TypeVar

import structlog

from core.errors import UserError

T = TypeVar("T")
OnFailure = Callable[[UserError], None]

log = structlog.get_logger("background")


class BackgroundError(UserError):
    """A background thread or task failed, or ended although it should not; the text names it and the cause."""


def failure(name: str, error: BaseException) -> UserError:
    """`error` as an error that names the thread or task; an error of the user stays as it is."""
    if isinstance(error, UserError):
        return error
    log.error("failed", name=name, error=repr(error), exc_info=error)
    found = BackgroundError(f"{name} failed: {type(error).__name__}: {error}".rstrip(": "))
    found.__cause__ = error
    return found


def start_thread(name: str, work: Callable[[], None], on_failure: OnFailure) -> Thread:
    """Start a daemon thread. What `work` raises is passed to `on_failure`, on that thread."""

    def run() -> None:
        try:
            work()
        except BaseException as error:
            on_failure(failure(name, error))

    thread = Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


async def in_thread(name: str, work: Callable[[], T]) -> T:
    """Result of a blocking call on a daemon thread of its own. A cancelled wait leaves the thread behind."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[], None]) -> None:
        if not result.done():
            set_outcome()

    def run() -> None:
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001 - raised again where the result is awaited
            outcome = error
            call_on_loop(loop, settle, lambda: result.set_exception(outcome))
        else:
            call_on_loop(loop, settle, lambda: result.set_result(value))

    Thread(target=run, name=name, daemon=True).start()
    return await result


async def first_of(*awaitables: Awaitable[object]) -> None:
    """Wait until the first one ends and cancel the others. Raises the exception of the first one."""
    tasks = [asyncio.ensure_future(each) for each in awaitables]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def call_on_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *args: object) -> None:
    """Schedule a call from another thread; dropped when the loop is already closed."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *args)


class Background:
    """Background tasks of one event loop, and the first failure of any of them or of the process's threads.

    Construct it inside the loop. `failure` is set by the first failure and read by /health.
    """

    def __init__(self) -> None:
        self.failure: UserError | None = None
        self._lock = Lock()
        self._loop = asyncio.get_running_loop()
        self._failed: asyncio.Future[None] = self._loop.create_future()

    def fail(self, error: UserError) -> None:
        """Record a failure, on any thread. Only the first one counts."""
        with self._lock:
            first, self.failure = self.failure is None, self.failure or error
        if first:
            call_on_loop(self._loop, self._set_failed, error)

    def run(self, name: str, work: Awaitable[None], may_end: bool = False) -> "asyncio.Future[None]":
        """Run `work` as a task. An error is a failure, and so is an end before it is cancelled, unless it `may_end`."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda done: self._on_end(name, done, may_end))
        return task

    def guarded(self, name: str, function: Callable[..., object]) -> Callable[..., None]:
        """`function` for the event loop: an error that the loop would only log is a failure."""

        def call(*args: object) -> None:
            try:
                function(*args)
            except Exception as error:
                self.fail(failure(name, error))

        return call

    async def wait(self) -> None:
        """Wait for the first failure and raise it. Returns at no other time."""
        await asyncio.shield(self._failed)

    def _on_end(self, name: str, task: "asyncio.Future[None]", may_end: bool) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self.fail(failure(name, error))
        elif not may_end:
            self.fail(BackgroundError(f"{name} ended"))

    def _set_failed(self, error: UserError) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)
            self._failed.exception()  # retrieved: a failure that nobody awaits any more is not reported twice

"""Whatever a background thread, task or callback raises is reported by name."""

import asyncio
import sqlite3
from threading import Event

import pytest

from core.errors import UserError
from ingestion.background import Background, BackgroundError, in_thread, start_thread
from tests.ingestion.forwarder.harness import time_limit, wait_for

within_ten_seconds = time_limit(10)

ERRORS = [
    TypeError("object of type 'NoneType' has no len()"),
    sqlite3.OperationalError("disk I/O error"),
    KeyError("symbol"),
    MemoryError(),
    SystemExit(3),
]


def raising(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_any_error_of_a_thread_is_reported_with_its_name(error: BaseException) -> None:
    reported = list[UserError]()
    start_thread("producer", lambda: raising(error), reported.append).join(5)
    assert [type(each) for each in reported] == [BackgroundError]
    assert str(reported[0]) == f"producer failed: {type(error).__name__}: {error}".rstrip(": ")


def test_an_error_of_the_user_keeps_its_text() -> None:
    reported = list[UserError]()
    start_thread("producer", lambda: raising(UserError("no broker")), reported.append).join(5)
    assert list(map(str, reported)) == ["no broker"]


async def failing(error: Exception) -> None:
    await asyncio.sleep(0)
    raise error


@within_ten_seconds
async def test_an_error_of_a_task_ends_the_wait() -> None:
    background = Background()
    background.run("fetcher", failing(ValueError("no")))
    with pytest.raises(BackgroundError, match="^fetcher failed: ValueError: no$"):
        await background.wait()
    assert str(background.failure) == "fetcher failed: ValueError: no"


@within_ten_seconds
async def test_a_task_that_ends_early_is_a_failure_unless_it_may_end() -> None:
    background = Background()
    await background.run("check", asyncio.sleep(0), may_end=True)
    assert background.failure is None
    background.run("subscriber", asyncio.sleep(0))
    with pytest.raises(BackgroundError, match="^subscriber ended$"):
        await background.wait()


@within_ten_seconds
async def test_a_cancelled_task_is_no_failure() -> None:
    background = Background()
    task = background.run("fetcher", asyncio.sleep(60))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)
    assert background.failure is None


@within_ten_seconds
async def test_an_error_of_a_callback_of_the_loop_is_a_failure() -> None:
    background = Background()
    guarded = background.guarded("handler", lambda value: raising(KeyError(value)))
    asyncio.get_running_loop().call_soon(guarded, "x")
    with pytest.raises(BackgroundError, match="^handler failed: KeyError: 'x'$"):
        await background.wait()


@within_ten_seconds
async def test_the_first_failure_counts_whatever_thread_it_comes_from() -> None:
    background = Background()
    for name in ("first", "second"):
        start_thread(name, lambda: raising(ValueError()), background.fail).join(5)
    with pytest.raises(BackgroundError, match="^first failed: ValueError$"):
        await background.wait()


@within_ten_seconds
async def test_a_result_and_an_error_come_back_from_a_thread() -> None:
    assert await in_thread("sum", lambda: 1 + 1) == 2
    with pytest.raises(SystemExit):
        await in_thread("exit", lambda: raising(SystemExit(1)))


def test_a_loop_ends_while_an_abandoned_thread_still_blocks() -> None:
    released, began = Event(), Event()

    def block() -> None:
        began.set()
        released.wait(60)

    async def abandon() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(in_thread("connect", block), 0.05)

    asyncio.run(abandon())
    wait_for(began.is_set)
    released.set()

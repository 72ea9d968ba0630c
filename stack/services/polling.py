"""Polling of a condition with a time limit."""

from collections.abc import Callable
from operator import not_
from typing import NoReturn, TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from stack.services.errors import StackError

Result = TypeVar("Result")


def poll_until(
    condition: Callable[[], Result], timeout_s: float, timeout_error: Callable[[], StackError], pause_s: float = 0.1
) -> Result:
    """The first result of `condition` that is not empty or false.

    Raises the error that `timeout_error` returns when there is none in time, and everything that `condition` raises.
    """

    def give_up(_: object) -> NoReturn:
        raise timeout_error()

    polling = Retrying(
        retry=retry_if_result(not_),
        stop=stop_after_delay(timeout_s),
        wait=wait_fixed(pause_s),
        retry_error_callback=give_up,
    )
    return polling(condition)

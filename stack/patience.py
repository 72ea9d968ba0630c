"""Waiting for what others do."""

from collections.abc import Callable
from operator import not_
from typing import NoReturn, TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from stack.errors import StackError

Found = TypeVar("Found")


def awaited(ask: Callable[[], Found], patience_s: float, late: Callable[[], StackError], pause_s: float = 0.1) -> Found:
    """What `ask` gives as soon as that is not empty or false.

    Raises what `late` makes when it is not in time, and whatever `ask` raises.
    """

    def give_up(_: object) -> NoReturn:
        raise late()

    polling = Retrying(
        retry=retry_if_result(not_),
        stop=stop_after_delay(patience_s),
        wait=wait_fixed(pause_s),
        retry_error_callback=give_up,
    )
    return polling(ask)

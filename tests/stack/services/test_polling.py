"""Polling of a condition with a time limit."""

import pytest

from stack.services.errors import StackError
from stack.services.polling import poll_until


def timeout() -> StackError:
    return StackError("It did not happen", "wait longer")


def test_the_first_result_that_is_not_empty_is_returned() -> None:
    results = iter((0, 0, 3))
    assert poll_until(lambda: next(results), 10, timeout, pause_s=0) == 3


def test_no_result_in_time_raises_the_given_error() -> None:
    with pytest.raises(StackError, match="^It did not happen. wait longer"):
        poll_until(lambda: 0, 0, timeout)


def test_an_exception_of_the_condition_is_raised_without_a_retry() -> None:
    calls = []

    def fail() -> bool:
        calls.append(1)
        raise OSError("gone")

    with pytest.raises(OSError, match="^gone$"):
        poll_until(fail, 10, timeout)
    assert len(calls) == 1

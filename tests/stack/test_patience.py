import pytest

from stack.errors import StackError
from stack.patience import awaited


def late() -> StackError:
    return StackError("It did not come", "wait longer")


def test_what_is_asked_for_is_given_once_it_is_there() -> None:
    said = iter((0, 0, 3))
    assert awaited(lambda: next(said), 10, late, pause_s=0) == 3


def test_what_is_not_in_time_is_the_error_that_names_it() -> None:
    with pytest.raises(StackError, match="^It did not come. wait longer"):
        awaited(lambda: 0, 0, late)


def test_what_goes_wrong_while_asking_is_not_asked_again() -> None:
    asked = []

    def ask() -> bool:
        asked.append(1)
        raise OSError("gone")

    with pytest.raises(OSError, match="^gone$"):
        awaited(ask, 10, late)
    assert len(asked) == 1

"""Parameters that extend a call for newest values to past ones, as dependencies. They need the role analyst."""

from typing import Annotated, TypeVar

from fastapi import Depends, Query

from gateway.accounts.roles import Account
from gateway.api.access import Viewer, check_role
from gateway.api.parameters import Expiry, Limit

Value = TypeVar("Value")


def _rows(account: Viewer, limit: Limit = 1) -> int:
    return _checked(account, limit, limit > 1)


def _seconds(
    account: Viewer,
    expiry: Expiry = None,
    limit: Annotated[
        int | None,
        Query(
            ge=1,
            le=200,
            description="largest number of chains; with `expiry`: seconds, default 1, more need the role analyst",
        ),
    ] = None,
) -> int | None:
    return _checked(account, limit, expiry is not None and limit is not None and limit > 1)


def _history(
    account: Viewer,
    with_history: Annotated[
        bool, Query(alias="history", description="also the minutes of the last day; needs the role analyst")
    ] = False,
) -> bool:
    return _checked(account, with_history, with_history)


def _checked(account: Account, value: Value, past: bool) -> Value:
    if past:
        check_role(account, "analyst", "history")
    return value


PastRows = Annotated[int, Depends(_rows)]
PastSeconds = Annotated[int | None, Depends(_seconds)]
WithHistory = Annotated[bool, Depends(_history)]

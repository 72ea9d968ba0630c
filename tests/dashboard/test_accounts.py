"""Logins where the gateway is away or answers something else. Those at a real gateway are in test_live_panel.py."""

import pytest

from dashboard import accounts
from dashboard.accounts import Login, LoginError


def test_a_gateway_that_is_away_is_named_with_the_command_that_starts_it() -> None:
    expected = r"^no gateway at http://127.0.0.1:1 \(.*refused\): start `depthflow serve`$"
    with pytest.raises(LoginError, match=expected):
        accounts.log_in("http://127.0.0.1:1", "ada", "password")


@pytest.mark.parametrize(("now", "ends"), [(99.0, False), (101.0, True)])
def test_a_token_ends_soon_from_its_time_of_renewal(now: float, ends: bool) -> None:
    assert Login("ada", "viewer", "token", "refresh", 100.0).ends_soon(lambda: now) is ends


@pytest.mark.parametrize(("role", "reads"), [("viewer", False), ("analyst", True), ("admin", True)])
def test_history_is_for_analysts_and_admins(role: str, reads: bool) -> None:
    assert Login("ada", role, "token", "refresh", 0.0).reads_history is reads

"""Logins where the gateway is unavailable or answers something else; test_live_panel.py has those at a real gateway."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard import accounts
from dashboard.accounts import Account, GatewayUnavailable, Login, LoginError


def test_a_gateway_that_is_away_is_named_with_the_command_that_starts_it() -> None:
    expected = r"^no gateway at http://127.0.0.1:1 \(.*refused\): start `depthflow serve`$"
    with pytest.raises(LoginError, match=expected):
        accounts.log_in("http://127.0.0.1:1", "ada", "password")


FIRST, NEXT = (
    Login("ada", "viewer", "token-1", "refresh-1", 100.0),
    Login("ada", "viewer", "token-2", "refresh-2", 200.0),
)


class Gateway:
    """Renewals of FIRST and of no other login, as a gateway whose refresh tokens work once."""

    def __init__(self) -> None:
        self.away = False
        self.asked: list[str] = []

    def renew(self, login: Login) -> Login:
        self.asked.append(login.refresh_token)
        time.sleep(0)  # another thread may run
        if self.away:
            raise GatewayUnavailable("away")
        if login is not FIRST or len(self.asked) > 1:
            raise LoginError("used")
        return NEXT


@pytest.mark.parametrize(
    ("now", "refused", "expected"), [(99.0, None, FIRST), (101.0, None, NEXT), (0.0, "token-1", NEXT)]
)
def test_a_token_is_renewed_when_it_ends_soon_or_is_refused(now: float, refused: str | None, expected: Login) -> None:
    account = Account(FIRST, Gateway().renew, lambda: now)
    assert account.current(refused) is account.current(refused) is expected


def test_scripts_of_several_reruns_use_a_refresh_token_once() -> None:
    gateway = Gateway()
    account = Account(FIRST, gateway.renew, lambda: 101.0)
    with ThreadPoolExecutor(8) as scripts:
        assert set(scripts.map(lambda _: account.current("token-1"), range(64))) == {NEXT}
    assert gateway.asked == ["refresh-1"]


def test_a_login_stays_while_the_gateway_is_away_and_ends_when_it_refuses() -> None:
    gateway = Gateway()
    account = Account(NEXT, gateway.renew, lambda: 201.0)
    gateway.away = True
    assert account.current() is NEXT
    gateway.away = False
    assert account.current() is None and account.current() is None
    assert len(gateway.asked) == 2


@pytest.mark.parametrize(("role", "reads"), [("viewer", False), ("analyst", True), ("admin", True)])
def test_history_is_for_analysts_and_admins(role: str, reads: bool) -> None:
    assert Login("ada", role, "token", "refresh", 0.0).reads_history is reads

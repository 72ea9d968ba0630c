"""Logins at the gateway. Tokens stay in the memory of the app: in the state of one browser session.

UserError
  LoginError              the gateway refuses the account
    GatewayUnavailable    the gateway does not respond
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from core.errors import UserError

TIMEOUT_S = 10.0
EARLY_S = 30.0  # a token is renewed this long before its end, and not before the half of its life
READS_HISTORY = ("analyst", "admin")


class LoginError(UserError):
    """The gateway gives no tokens to this account."""


class GatewayUnavailable(LoginError):
    """The gateway does not respond, so there are no tokens now."""


@dataclass(frozen=True)
class Login:
    """Tokens of an account. `renew_at`: monotonic time, in seconds, from which the access token has to be renewed.

    `idle_s`: age at which a page without reruns asks for the renewal: between `renew_at` and the end of the token.
    """

    username: str
    role: str
    token: str
    refresh_token: str
    renew_at: float
    idle_s: float = 0.0

    @property
    def reads_history(self) -> bool:
        """True if the account's role may read history."""
        return self.role in READS_HISTORY


class Account:
    """The login of one browser session. Scripts of several reruns use it at once, and a refresh token works once.

    `renew(login)`: the next tokens of a login; raises LoginError. `clock`: monotonic seconds.
    """

    def __init__(
        self, login: Login, renew: Callable[[Login], Login], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._login: Login | None = login
        self._renew, self._clock = renew, clock
        self._lock = threading.Lock()

    def current(self, refused: str | None = None) -> Login | None:
        """The login, renewed if its access token ends soon or is `refused`; None once the gateway refuses to renew it.

        While the gateway does not respond, the login is kept unchanged.
        """
        with self._lock:
            login = self._login
            if login is not None and (login.token == refused or self._clock() > login.renew_at):
                try:
                    self._login = self._renew(login)
                except GatewayUnavailable:
                    pass
                except LoginError:
                    self._login = None
            return self._login


def log_in(gateway_url: str, username: str, password: str, address: str | None = None) -> Login:
    """Exchange username and password for tokens. `address`: that of the browser, for the gateway's limits."""
    return _session(gateway_url, "login", {"username": username, "password": password}, address)


def renew(gateway_url: str, login: Login, address: str | None = None) -> Login:
    """The next tokens of a login. The refresh token of `login` is used up."""
    return _session(gateway_url, "refresh", {"refresh_token": login.refresh_token}, address)


def log_out(gateway_url: str, login: Login, address: str | None = None) -> None:
    """Revoke the refresh tokens of a login."""
    _post(gateway_url, "logout", {"refresh_token": login.refresh_token}, address)


def _session(gateway_url: str, operation: str, body: dict[str, str], address: str | None) -> Login:
    began = time.monotonic()
    found = json.loads(_post(gateway_url, operation, body, address))
    user = found["user"]
    life = found["expires_in"]
    early = min(EARLY_S, life / 2)
    tokens = found["token"], found["refresh_token"]
    return Login(user["username"], user["role"], *tokens, renew_at=began + life - early, idle_s=life - early / 2)


def _post(gateway_url: str, operation: str, body: dict[str, str], address: str | None) -> bytes:
    request = Request(f"{gateway_url}/api/auth/{operation}", json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if address:  # the gateway trusts it if TRUSTED_PROXIES contains the address of this app
        request.add_header("X-Forwarded-For", address)
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            found: bytes = answer.read()
            return found
    except HTTPError as error:
        kind = GatewayUnavailable if error.code >= 500 or error.code == 429 else LoginError
        raise kind(_detail(error)) from None
    except (URLError, OSError, HTTPException) as error:
        cause: Any = getattr(error, "reason", error)
        raise GatewayUnavailable(f"no gateway at {gateway_url} ({cause}): start `depthflow serve`") from None


def _detail(error: HTTPError) -> str:
    """Detail of a problem document, else the status."""
    with error:
        try:
            return str(json.load(error)["detail"])
        except (ValueError, KeyError, TypeError):
            return f"status {error.code}"

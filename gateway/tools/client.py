"""A client of the gateway's REST interface that logs in by itself.

UserError
  ApiError    the gateway does not respond, refuses the account, or has no such product
"""

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

from core.errors import UsageError, UserError

TIMEOUT_S = 10.0
EXPIRED = 401


class ApiError(UserError):
    """The gateway does not respond, or refuses the request."""


class ApiClient:
    """Calls with the access token of an account; without a username, calls without a token (AUTH=off).

    Raises UsageError for an address that is no HTTP URL.
    """

    def __init__(self, url: str, username: str, password: str) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f"API_URL={url}: expected a URL such as http://127.0.0.1:8000")
        self._url = url.rstrip("/")
        self._login = {"username": username, "password": password} if username else None
        self._token = ""

    def get(self, *path: str, **query: Any) -> dict[str, Any]:
        """The answer of `GET /api/PATH`, with the arguments that are not None as its query. Raises ApiError."""
        address = "/".join(["api", *map(quote, path)])
        given = {name: value for name, value in query.items() if value is not None}
        target = f"{address}?{urlencode(given)}" if given else address
        if self._login and not self._token:
            self._log_in()
        try:
            return self._send(target)
        except HTTPError as error:
            if error.code != EXPIRED or not self._login:
                raise ApiError(_problem(error)) from None
        self._log_in()
        try:
            return self._send(target)
        except HTTPError as error:
            raise ApiError(_problem(error)) from None

    def _log_in(self) -> None:
        try:
            self._token = str(self._send("api/auth/login", self._login)["token"])
        except HTTPError as error:
            raise ApiError(f"the login failed: {_problem(error)}; set API_USER and API_PASSWORD") from None

    def _send(self, target: str, body: Mapping[str, str] | None = None) -> dict[str, Any]:
        request = Request(f"{self._url}/{target}", None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if self._token and body is None:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except HTTPError:
            raise
        except (URLError, OSError, HTTPException) as error:
            cause = getattr(error, "reason", error)
            raise ApiError(f"no gateway at {self._url} ({cause}): start `depthflow serve`, or set API_URL") from None


def _problem(error: HTTPError) -> str:
    """Detail of a problem document, else the status."""
    with error:
        try:
            return str(json.load(error)["detail"])
        except (ValueError, KeyError, TypeError):
            return f"status {error.code}"

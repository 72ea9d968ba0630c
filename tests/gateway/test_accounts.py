"""Accounts of a running gateway: every operation needs its role, tokens are checked, limits hold across processes."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from tests.gateway.conftest import ADMIN, PASSWORD, Backend, Served, serving
from tests.gateway.feeder import EXPIRY

OPEN = {
    *("POST /api/auth/register", "POST /api/auth/login", "POST /api/auth/refresh", "POST /api/auth/logout"),
    *("POST /api/auth/exchange", "GET /health", "GET /ready", "GET /metrics"),
}
OF_ANALYSTS = {
    *("GET /api/books/{venue}/{symbol}/history", "GET /api/trades/{venue}/{symbol}", "GET /api/alerts"),
    *("GET /api/quality", "GET /api/replay/{venue}/{symbol}"),
}
OF_ADMINS = re.compile(r"/api/(users|invitations|rules)")
PARAMETERS = {"venue": "kraken", "symbol": "BTC/USD", "product": "BTC", "username": "ada", "rule": "iv_spike"}


def operations(gateway: Served) -> list[tuple[str, str, str]]:
    """Method, path with parameters, and path of every operation."""
    found = []
    for path, methods in gateway.get("/openapi.json").json["paths"].items():
        filled = path.format(book="kraken:BTC/USD", **PARAMETERS)
        found += [(method.upper(), filled, path) for method in methods]
    return found


def test_no_operation_is_readable_without_a_token(gateway: Served) -> None:
    found = {f"{method} {path}" for method, filled, path in operations(gateway)}
    refused = {
        f"{method} {path}"
        for method, filled, path in operations(gateway)
        if gateway.call(method, filled, body={} if method in ("POST", "PUT") else None).status == 401
    }
    assert found - refused == OPEN and len(refused) > 20


def test_no_role_goes_beyond_its_rights(gateway: Served, feeder: object) -> None:
    tokens = {role: gateway.account(role) for role in ("viewer", "analyst")}
    for method, filled, path in operations(gateway):
        name = f"{method} {path}"
        if name in OPEN:
            continue
        body = {"role": "viewer"} if method in ("POST", "PUT") and "rules" not in path else {}
        statuses = {role: gateway.call(method, filled, token, body or None).status for role, token in tokens.items()}
        for_admins = OF_ADMINS.match(path) is not None
        assert (statuses["analyst"] == 403) == for_admins, (name, statuses)
        assert (statuses["viewer"] == 403) == (for_admins or name in OF_ANALYSTS), (name, statuses)
    past = ["analytics/pcr/BTC?history=true", "data/underlying/BTC?limit=2"]
    for path in (*past, f"data/chain/BTC?expiry={EXPIRY}&limit=2"):
        answers = [gateway.get(f"/api/{path}", tokens[role]) for role in tokens]
        assert [answer.status for answer in answers] == [403, 200], path
        assert answers[0].json["detail"] == "history needs the role analyst, the account has viewer"
    for path in ("data/underlying/BTC?limit=1", "data/chain/BTC?limit=2", f"data/chain/BTC?expiry={EXPIRY}&limit=1"):
        assert gateway.get(f"/api/{path}", tokens["viewer"]).status == 200, path


def test_expired_and_forged_tokens_are_refused(gateway: Served, backend: Backend) -> None:
    good = gateway.login()["token"]
    claims = jwt.decode(good, options={"verify_signature": False})
    now = int(time.time())
    forged = {
        "none": jwt.encode(claims, "", "none"),
        "key": jwt.encode(claims, "x" * 32, "HS256"),
        "audience": jwt.encode(claims | {"aud": "another"}, backend.secret, "HS256"),
        "issuer": jwt.encode(claims | {"iss": "another"}, backend.secret, "HS256"),
        "expired": jwt.encode(claims | {"exp": now - 1}, backend.secret, "HS256"),
        "edited": ".".join([good.split(".")[0], _segment(claims | {"role": "viewer"}), good.split(".")[2]]),
        "no expiry": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, backend.secret, "HS256"),
    }
    answers = {name: gateway.get("/api/auth/me", token) for name, token in forged.items()}
    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(forged, 401)
    assert answers["expired"].json["detail"] == "the token has expired"
    assert answers["none"].headers["www-authenticate"] == "Bearer"
    assert gateway.get("/api/auth/me", good).json["username"] == ADMIN


def _segment(claims: dict[str, object]) -> str:
    return jwt.encode(claims, "x" * 32, "HS256").split(".")[1]


def refresh(gateway: Served, token: str) -> tuple[int, str]:
    answer = gateway.call("POST", "/api/auth/refresh", body={"refresh_token": token})
    return answer.status, answer.json.get("refresh_token", "")


def test_a_refresh_token_that_is_used_twice_revokes_its_family(gateway: Served) -> None:
    first, other = gateway.login()["refresh_token"], gateway.login()["refresh_token"]
    status, second = refresh(gateway, first)
    assert status == 200 and second != first
    assert refresh(gateway, first)[0] == 401
    assert refresh(gateway, second)[0] == 401  # the thief's, or the owner's: nobody can tell
    assert refresh(gateway, other)[0] == 200  # another login


def test_logout_revokes_the_refresh_tokens_of_a_login(gateway: Served) -> None:
    token = gateway.login()["refresh_token"]
    assert gateway.call("POST", "/api/auth/logout", body={"refresh_token": token}).status == 204
    assert refresh(gateway, token)[0] == 401


def test_a_disabled_account_can_neither_log_in_nor_refresh(gateway: Served, admin: str) -> None:
    registered = gateway.call("POST", "/api/auth/register", body={"username": "eve", "password": PASSWORD}).json
    assert registered["user"]["role"] == "viewer"
    taken = gateway.call("POST", "/api/auth/register", body={"username": "EVE", "password": PASSWORD})
    assert (taken.status, taken.json["errors"][0]["field"]) == (409, "username")
    assert gateway.call("PUT", "/api/users/eve", admin, {"disabled": True}).json["disabled"] is True
    login = gateway.call("POST", "/api/auth/login", body={"username": "eve", "password": PASSWORD})
    assert (login.status, refresh(gateway, registered["refresh_token"])[0]) == (401, 401)
    assert gateway.call("PUT", f"/api/users/{ADMIN}", admin, {"disabled": True}).status == 409


def test_limits_hold_across_processes_and_an_invitation_works_once(backend: Backend, tmp_path: Path) -> None:
    environment = backend.environment(registration="invitation", auth_rate_limit="7/minute")
    other = environment | {name: value for name, value in backend.environment().items() if name.startswith("SERVE_")}
    (tmp_path / "other").mkdir()
    with serving(environment, tmp_path) as first, serving(other, tmp_path / "other") as second:
        admin = jwt.encode(_claims("admin"), backend.secret, "HS256")
        invitation = first.call("POST", "/api/invitations", admin, {"role": "analyst"}).json["invitation"]
        body = {"username": "invited", "password": PASSWORD}
        statuses = [
            gateway.call("POST", "/api/auth/register", body=body | {"username": f"invited{number}"} | extra).status
            for number, (gateway, extra) in enumerate(
                [(first, {}), (second, {"invitation": invitation}), (first, {"invitation": invitation})]
            )
        ]
        assert statuses == [403, 201, 409]
        later = [gateway.call("POST", "/api/auth/login", body=body).status for gateway in (first, second) * 4]
        assert set(later) == {401, 429} and later.index(429) <= 2 and set(later[later.index(429) :]) == {429}
        refused = second.call("POST", "/api/auth/login", body=body)
        assert refused.headers["retry-after"] == "60" and "at most 7 requests in 60 s" in refused.json["detail"]
        assert second.get("/api/books", admin).status == 200


def _claims(role: str) -> dict[str, object]:
    now = int(time.time())
    claims = {"sub": "0", "name": "x", "role": role, "iat": now, "exp": now + 900}
    return claims | {"iss": "depthflow", "aud": "depthflow"}


def test_without_required_accounts_reading_works_and_administration_does_not(
    backend: Backend, tmp_path: Path, feeder: object
) -> None:
    grafana = "https://grafana.example.com/"
    with serving(backend.environment(auth="off", grafana_url=grafana), tmp_path) as served:
        page = served.get("/live/settings.json").json
        assert (page["auth"], page["grafana_url"]) == ("off", grafana)
        assert served.get("/api/books").status == served.get("/api/alerts").status == 200
        assert served.get("/api/users").status == served.get("/api/auth/me").status == 401
        assert served.get("/api/books", "not.a.token").status == 401


@pytest.fixture(autouse=True, scope="module")
def no_secret_is_logged(gateway: Served, backend: Backend) -> Iterator[None]:
    """After all tests of this module: neither passwords nor tokens are in the log."""
    tokens = gateway.login()
    yield
    log = gateway.log.read_text()
    secrets = (PASSWORD, tokens["token"], tokens["refresh_token"], backend.secret, "eyJ")
    assert [each for each in secrets if each in log] == []

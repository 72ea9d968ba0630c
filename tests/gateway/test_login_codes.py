"""Login codes of a running gateway: each works once, for its own account, and appears only in its answer."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from gateway.accounts.codes import LIFE_S
from gateway.accounts.tokens import token_hash
from gateway.redis_names import login_code_key
from tests.gateway.conftest import ADMIN, PASSWORD, Answer, Backend, Served

REFUSED = "the code is not valid, was used or has expired: ask for a new one"


def new_code(gateway: Served, token: str) -> str:
    answer = gateway.call("POST", "/api/auth/codes", token)
    assert (answer.status, answer.json["expires_in"]) == (201, 300), answer.body
    code: str = answer.json["code"]
    return code


def exchange(gateway: Served, code: str) -> Answer:
    return gateway.call("POST", "/api/auth/exchange", body={"code": code})


def refused(answer: Answer) -> bool:
    return answer.status == 401 and answer.json["detail"] == REFUSED


def test_a_code_logs_in_to_its_account_once(gateway: Served) -> None:
    viewer = gateway.account("viewer")
    code = new_code(gateway, viewer)
    with ThreadPoolExecutor(8) as pool:  # all at the same moment
        answers = list(pool.map(lambda _: exchange(gateway, code), range(8)))
    (session,) = (answer.json for answer in answers if answer.status == 200)
    assert [refused(answer) for answer in answers].count(True) == 7
    assert session["user"] == gateway.get("/api/auth/me", viewer).json and session["expires_in"] == 900
    assert gateway.get("/api/auth/me", session["token"]).json["role"] == "viewer"
    refreshed = gateway.call("POST", "/api/auth/refresh", body={"refresh_token": session["refresh_token"]})
    assert refreshed.status == 200 and refused(exchange(gateway, code))


def test_an_expired_code_is_refused(gateway: Served, admin: str, redis: Redis) -> None:
    code = new_code(gateway, admin)
    key = login_code_key(token_hash(code))
    remaining = redis.ttl(key)
    assert isinstance(remaining, int) and LIFE_S - 30 < remaining <= LIFE_S == 300
    redis.pexpireat(key, 1)
    assert refused(exchange(gateway, code))


def test_forged_codes_are_refused(gateway: Served, admin: str) -> None:
    code = new_code(gateway, admin)
    forged = code[:-1] + ("A" if code[-1] != "A" else "B")
    assert all(refused(exchange(gateway, each)) for each in (forged, token_hash(code), code.swapcase(), "*", "x" * 256))
    assert [exchange(gateway, each).status for each in ("", "x" * 257)] == [422, 422]
    assert gateway.call("POST", "/api/auth/exchange", body={"code": ["*"]}).status == 422
    assert exchange(gateway, code).status == 200


def test_a_code_of_a_disabled_account_is_refused(gateway: Served, admin: str) -> None:
    body = {"username": "disabled-later", "password": PASSWORD}
    code = new_code(gateway, gateway.call("POST", "/api/auth/register", body=body).json["token"])
    assert gateway.call("PUT", "/api/users/disabled-later", admin, {"disabled": True}).status == 200
    assert refused(exchange(gateway, code))


def test_a_code_is_stored_as_its_hash_and_is_in_no_log(gateway: Served, admin: str, redis: Redis) -> None:
    code = new_code(gateway, admin)
    stored = [key.decode() for key in redis.scan_iter("*")]
    assert login_code_key(token_hash(code)) in stored and not any(code in key for key in stored)
    assert code.encode() not in (redis.get(login_code_key(token_hash(code))) or b"")
    wrong = code[::-1]
    assert (exchange(gateway, code).status, exchange(gateway, wrong).status) == (200, 401)
    log = gateway.log.read_text()
    assert code not in log and wrong not in log


def login_link(gateway: Served, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stack", "login-link", *options]
    return subprocess.run(command, env=gateway.environment, capture_output=True, text=True, timeout=60)


def test_the_command_prints_a_link_that_logs_in(gateway: Served, backend: Backend) -> None:
    printed = login_link(gateway)
    page, _, code = printed.stdout.strip().partition("#code=")
    assert printed.returncode == 0 and page == f"{gateway.url}/live", printed.stderr
    assert exchange(gateway, code).json["user"]["username"] == ADMIN


@pytest.mark.parametrize(
    ("options", "changed", "error"),
    [
        (["--user", "nobody"], {}, "depthflow: account 'nobody' is unknown or disabled\n"),
        ([], {"REDIS_URL": "redis://127.0.0.1:1/0"}, "depthflow: Redis or the database is unavailable: "),
        ([], {"SERVE_PORT": "1"}, "depthflow: no gateway answers at http://127.0.0.1:1/live: "),
    ],
)
def test_the_command_says_why_there_is_no_link(
    gateway: Served, options: list[str], changed: dict[str, str], error: str
) -> None:
    printed = login_link(Served(gateway.environment | changed, gateway.log), *options)
    assert (printed.returncode, printed.stdout) == (1, "") and printed.stderr.startswith(error)

"""The gateway of the local stack: `depthflow up --serve`, its generated account, and rules over the broker."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from dotenv import dotenv_values

from core.settings import STACK_FILE, Settings
from market.alerts.rules import Thresholds
from reader.rules import read_overrides, write_override
from stack.services import dashboard
from tests.conftest import Stack
from tests.gateway.schema import check_answers
from tests.jobs.isolated_system import wait_until

RULE = "/api/rules/extreme_imbalance"


class Client:
    """Calls of the stack's gateway with the generated account."""

    def __init__(self, stack: Stack) -> None:
        self.url = stack.settings.serve_url
        stored = dotenv_values(stack.home / STACK_FILE)
        credentials = {"username": stored["GATEWAY_USER"], "password": stored["GATEWAY_PASSWORD"]}
        self.token = str(self.call("POST", "/api/auth/login", credentials)[1]["token"])

    def call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
        """Status and document of a call."""
        request = Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if hasattr(self, "token"):
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urlopen(request, timeout=30) as response:
                return response.status, json.loads(response.read() or b"{}")
        except HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def client(stack: Stack) -> Client:
    command = [sys.executable, "-m", "stack", "up", "--serve"]
    done = subprocess.run(command, env=stack.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{stack.settings.serve_url}/api/docs" in done.stdout and stack.settings.dashboard_url in done.stdout
    return Client(stack)


def status_of_gateway(stack: Stack) -> str:
    """Line of the gateway in `depthflow status`; empty without one."""
    command = [sys.executable, "-m", "stack", "status"]
    done = subprocess.run(command, env=stack.environment, capture_output=True, text=True)
    return next((line for line in done.stdout.splitlines() if line.startswith("gateway ")), "")


def test_the_status_lists_the_gateway(stack: Stack, client: Client) -> None:
    wait_until(lambda: bool(re.search("up|running", status_of_gateway(stack).lower())), "the gateway to be running")


def test_the_dashboard_is_started_with_the_gateway_and_may_call_it(stack: Stack, client: Client) -> None:
    assert dashboard.responds(stack.settings)
    request = Request(f"{stack.settings.serve_url}/health", headers={"Origin": stack.settings.dashboard_url})
    with urlopen(request, timeout=30) as response:
        assert response.headers["Access-Control-Allow-Origin"] == stack.settings.dashboard_url


def test_rules_are_set_and_deleted_on_the_topic(stack: Stack, client: Client) -> None:
    settings = Settings(depthflow_home=stack.home)
    key = "extreme_imbalance", "kraken:BTC/USD"
    status, row = client.call("PUT", f"{RULE}/kraken:BTC/USD", {"medium": 0.55, "held_ms": 2000})
    assert (status, row["medium"], row["medium_set"], row["high_set"]) == (200, 0.55, True, False)
    assert read_overrides(settings)[key] == Thresholds(medium=0.55, held_ms=2000)
    rows = client.call("GET", RULE)[1]["rules"]
    assert isinstance(rows, list) and [each["book"] for each in rows] == ["*", "kraken:BTC/USD"]
    assert client.call("DELETE", f"{RULE}/kraken:BTC/USD")[0] == 204
    assert key not in read_overrides(settings)


def test_every_answer_about_rules_is_as_the_openapi_document_says(stack: Stack, client: Client, tmp_path: Path) -> None:
    try:
        check_answers(client.url, client.token, tmp_path, "--include-path-regex", "^/api/rules")
    finally:
        settings = Settings(depthflow_home=stack.home)
        for rule, book in read_overrides(settings):
            write_override(settings, rule, book, None)


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        (f"{RULE}/*", {"medium": 0.1}, 422, "medium: expected 0.25 to 1 (absolute imbalance)"),
        (f"{RULE}/*", {"medium": 0.9}, 422, "medium=0.9 is above high=0.7; set both thresholds"),
        (f"{RULE}/*", {"low": 1}, 422, "low: Extra inputs are not permitted"),
        ("/api/rules/nothing/*", {"medium": 1}, 404, "there is no rule nothing; /api/rules lists them"),
    ],
)
def test_a_wrong_rule_is_refused(client: Client, path: str, body: object, status: int, detail: str) -> None:
    found, problem = client.call("PUT", path, body)
    assert found == status and detail in str(problem["detail"])

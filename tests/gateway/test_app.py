"""Answers of every route: headers, failures, other origins."""

import asyncio
import json
from pathlib import Path
from urllib.request import Request, urlopen

from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from gateway.app import OWN_HEADERS, Measured
from gateway.metrics import GatewayMetrics
from tests.gateway.conftest import Backend, serving

SCOPE: Scope = {"type": "http", "path": "/api/books", "headers": []}


def test_a_request_that_fails_is_counted_and_has_the_headers_of_every_answer() -> None:
    metrics, sent = GatewayMetrics(), list[Message]()

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError("of a query")

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    with capture_logs() as logs:
        asyncio.run(Measured(failing, metrics)(SCOPE, receive, send))
    start, body = sent
    assert start["status"] == 500 and (b"cache-control", b"no-store") in start["headers"]
    assert json.loads(body["body"])["detail"] == "the gateway failed; its log has the cause"
    assert [(each["event"], str(each["exc_info"])) for each in logs] == [("request failed", "of a query")]
    assert metrics.registry.get_sample_value("gateway_requests_total", {"route": "unknown", "status": "500"}) == 1


def test_pages_of_other_origins_may_read_our_headers(backend: Backend, tmp_path: Path) -> None:
    origin = "https://desk.example"
    with serving(backend.environment(allowed_origins=origin), tmp_path) as gateway:
        with urlopen(Request(f"{gateway.url}/health", headers={"Origin": origin})) as response:
            exposed = response.headers["Access-Control-Expose-Headers"]
    assert exposed.split(", ") == list(OWN_HEADERS)

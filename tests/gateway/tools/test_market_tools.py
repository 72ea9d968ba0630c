"""The tools of `depthflow mcp` against a running gateway, by a client of the protocol."""

import asyncio
import json
import os
import re
import sys
import time
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from redis import Redis

from core.resources import ROOT
from gateway.tools.cli import server
from gateway.tools.client import ApiClient, ApiError
from tests.conftest import free_ports
from tests.gateway.conftest import ADMIN, PASSWORD, Served
from tests.gateway.feeder import BOOK, EXPIRY, PRODUCT, SYMBOL, VENUE, Feeder


@pytest.fixture(scope="module")
def update_id(feeder: Feeder) -> int:
    """The newest book, whose bid has the size of its id, and a chain."""
    now = time.time_ns() // 1_000_000
    feeder.book(now, now)
    feeder.chain(now)
    return now


def call(api: ApiClient, tool: str, **arguments: Any) -> Any:
    """The answer of one tool."""

    async def ask() -> Any:
        async with Client(server(api)) as client:
            return await client.call_tool(tool, arguments)

    answer = asyncio.run(ask())
    (content,) = answer.content
    return json.loads(content.text) if not answer.is_error else content.text


@pytest.fixture(scope="module")
def api(gateway: Served, update_id: int) -> ApiClient:
    return ApiClient(gateway.url, ADMIN, PASSWORD)


def test_products_and_the_newest_book(api: ApiClient, update_id: int) -> None:
    products = call(api, "products")["products"]
    assert {"type": "book", "venue": VENUE, "symbol": SYMBOL, "size_unit": "BTC"} in products
    book = call(api, "book", venue=VENUE, symbol=SYMBOL)
    assert (book["book"]["update_id"], book["freshness"]["trusted"]) == (update_id, True)


def test_the_spread_has_its_age_and_says_that_the_book_is_trusted(api: ApiClient) -> None:
    found = call(api, "spread", venue=VENUE, symbol=SYMBOL)
    assert (found["best_bid"], found["best_ask"], found["spread"], found["trusted"]) == (100.0, 101.0, 1.0, True)
    assert found["age_ms"] >= 0


def test_depth_is_cumulated(api: ApiClient, update_id: int) -> None:
    found = call(api, "depth", venue=VENUE, symbol=SYMBOL, levels=1)
    assert found["bids"] == [
        {"price": 100.0, "size": update_id, "total_size": update_id, "total_value": 100 * update_id}
    ]
    assert found["asks"] == [{"price": 101.0, "size": 2.0, "total_size": 2.0, "total_value": 202.0}]


def test_a_book_of_the_database_has_no_depth_to_trust(api: ApiClient, redis: Redis) -> None:
    key = f"orderbook:{BOOK}:latest"
    kept = redis.dump(key)
    redis.delete(key)
    try:
        found = call(api, "depth", venue=VENUE, symbol=SYMBOL)
        book = call(api, "book", venue=VENUE, symbol=SYMBOL)["book"]
    finally:
        redis.restore(key, 0, kept or b"")
    assert (book["bids"], book["asks"]) == ([[100.0, 1.0]], [[101.0, 2.0]])  # it keeps the best levels
    assert (found["bids"], found["asks"], found["trusted"]) == (None, None, False)
    assert found["reason"].startswith("the levels are unknown: Redis has no record of the book")


def test_a_chain_is_summaries_or_the_options_of_one_expiry(api: ApiClient) -> None:
    (summary,) = call(api, "chain", product=PRODUCT)["chains"]
    assert (summary["expiry"], summary["max_pain"]) == (EXPIRY, 100.0)
    (full,) = call(api, "chain", product=PRODUCT, expiry=EXPIRY)["chains"]
    assert [option["strike"] for option in full["calls"]] == [90.0, 110.0]


def test_alerts_and_states(api: ApiClient) -> None:
    assert [each["rule"] for each in call(api, "alerts", limit=2)["alerts"]] == ["extreme_imbalance"] * 2
    assert call(api, "alerts", severity="high")["alerts"] == []
    states = {f"{each['venue']}:{each['symbol']}": each["trusted"] for each in call(api, "status")["books"]}
    assert states[BOOK] is True


def test_what_is_unknown_or_wrong_is_an_error_with_the_gateways_text(api: ApiClient) -> None:
    assert f"no book {VENUE}:NOBODY is known" in call(api, "spread", venue=VENUE, symbol="NOBODY")
    assert "has no expiry" in call(api, "chain", product=PRODUCT, expiry="2031-01-01")


def test_an_expired_token_is_renewed_and_a_wrong_password_refused(gateway: Served) -> None:
    expired = ApiClient(gateway.url, ADMIN, PASSWORD)
    expired._token = "expired"
    assert expired.get("data", "products")["products"]
    with pytest.raises(
        ApiError, match="the login failed: username or password is wrong.*set API_USER and API_PASSWORD"
    ):
        ApiClient(gateway.url, ADMIN, "wrong").get("data", "products")


def test_a_gateway_that_is_away_is_named() -> None:
    (nobody,) = free_ports(1)
    with pytest.raises(ApiError, match=rf"no gateway at http://127.0.0.1:{nobody} .*: start `depthflow serve`, or set"):
        ApiClient(f"http://127.0.0.1:{nobody}", "", "").get("status")


def test_the_command_serves_on_standard_input_and_output(gateway: Served) -> None:
    environment = os.environ | {"API_URL": gateway.url, "API_USER": ADMIN, "API_PASSWORD": PASSWORD}
    parameters = StdioServerParameters(command=sys.executable, args=["-m", "stack", "mcp"], env=environment)

    async def names() -> list[str]:
        async with Client(stdio_client(parameters)) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    expected = ["products", "book", "spread", "depth", "chain", "alerts", "status"]
    assert asyncio.run(names()) == expected


def test_the_page_lists_every_tool() -> None:
    page = (ROOT / "docs" / "mcp.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \|", page.partition("| setting")[0], re.MULTILINE)
    assert listed == ["products", "book", "spread", "depth", "chain", "alerts", "status"]

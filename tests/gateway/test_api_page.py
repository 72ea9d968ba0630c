"""Every example of docs/api.md: calls and events have the documented fields, with values of the same kinds."""

import json
import re
import time
from typing import Any

from core.resources import ROOT
from tests.gateway.conftest import ADMIN, PASSWORD, Served
from tests.gateway.feeder import BOOK, PRODUCT, Feeder
from tests.gateway.listening import in_thread, listening, run

PAGE = (ROOT / "docs" / "api.md").read_text()
CALLS = re.findall(r"```http\n(\w+) (\S+)\n(?:(\{[^\n]*\})\n)?```(?:\n\n```json\n(.*?)\n```)?", PAGE, re.DOTALL)
EVENTS = re.findall(r"```event\n(\w+)\n```\n\n```json\n(.*?)\n```", PAGE, re.DOTALL)


def assert_same_kind(documented: Any, real: Any, place: str) -> None:
    """Documented fields are in the real value, with values of the same kind; a null may be any kind."""
    if documented is None or real is None:
        return
    if isinstance(documented, dict):
        assert documented.keys() <= real.keys(), (place, documented.keys() - real.keys())
        for name, value in documented.items():
            assert_same_kind(value, real[name], f"{place}.{name}")
    elif isinstance(documented, list):
        for first, second in zip(documented[:1], real[:1], strict=False):
            assert_same_kind(first, second, f"{place}[0]")
    else:
        numbers = isinstance(documented, int | float) and isinstance(real, int | float)
        assert numbers or type(documented) is type(real), (place, documented, real)


def test_every_call_answers_as_documented(gateway: Served, feeder: Feeder) -> None:
    tokens, code = gateway.login(), ""
    for method, path, body, answer in CALLS:
        filled = path.replace("FROM", str(int(1000 * time.time()) - 3_600_000))
        text = (
            body.replace("PASSWORD", PASSWORD)
            .replace("REFRESH_TOKEN", tokens["refresh_token"])
            .replace("LOGIN_CODE", code)
        )
        given = json.loads(text.replace('"depthflow"', f'"{ADMIN}"')) if body else None
        found = gateway.call(method, filled, tokens["token"], given)
        if method == "POST" and path == "/api/auth/refresh":
            tokens["refresh_token"] = found.json["refresh_token"]
        if path == "/api/auth/codes":
            code = found.json["code"]
        documented = json.loads(answer) if answer else None
        if documented and documented.get("title") and path != "/api/auth/register":
            assert found.status == documented["status"]
            assert found.json == documented
        elif documented and path != "/api/auth/register":  # which the test's gateway leaves open
            assert found.status < 300, (path, found.body)
            assert_same_kind(documented, found.json, path)
    assert len(CALLS) >= 25


def test_every_operation_is_on_the_page(gateway: Served) -> None:
    paths = [re.sub(r"\{\w+\}", "X", path) for path in gateway.get("/openapi.json").json["paths"]]
    shown = {re.sub(r"\{\w+\}", "X", path) for path in re.findall(r"(?<=[ `])(/[\w{}/-]+)", PAGE)}
    named = {
        re.sub("kraken/BTC/USD", "X/X", re.sub(r"(?<=/)(BTC)\b(?!/USD)", "X", path.partition("?")[0])) for path in shown
    } | {re.sub("/BTC$", "/X", path.partition("?")[0].replace("kraken/BTC/USD", "X/X")) for _, path, _, _ in CALLS}
    assert set(paths) - named == set()


def test_every_event_is_as_documented(gateway: Served, feeder: Feeder) -> None:
    token = gateway.login()["token"]

    async def follow() -> dict[str, Any]:
        async with listening(gateway, token) as listener:
            rooms = (
                ("book", BOOK),
                ("record", BOOK),
                ("trades", BOOK),
                ("product", PRODUCT),
                ("chain", PRODUCT),
                ("alerts", ""),
            )
            for kind, symbol in rooms:
                await listener.subscribe(kind, symbol)
            await listener.client.call("subscribe", {"type": "x"})
            await listener.client.call("get_products")
            await listener.client.call("unsubscribe", {"type": "alerts"})
            time_ms = int(time.time() * 1000)
            await in_thread(feeder.trade, f"page-{time_ms}", time_ms)
            await in_thread(feeder.state, "synced", time_ms)
            for event, _ in EVENTS:
                await listener.until(event)
            return dict(reversed(listener.events))

    found = run(follow())
    assert {event for event, _ in EVENTS} == found.keys()
    for event, documented in EVENTS:
        assert_same_kind(json.loads(documented), found[event], event)

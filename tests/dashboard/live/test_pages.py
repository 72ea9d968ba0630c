"""All pages at desktop and phone size, light and dark: no error, readable, no other host, the API's figures."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from core.resources import ROOT
from tests.browser import Watched
from tests.dashboard.live.conftest import DESK, PHONE, LivePage
from tests.dashboard.market import MovingBook

COINS: dict[str, str] = json.loads((ROOT / "tests" / "venues" / "coins.json").read_text())
CONTRAST = Path(__file__).with_name("checks.js").read_text()
PAGES = ("market", "symbol")
MINUS = "\u2212"


def number(text: str) -> float:
    return float(text.replace(",", "").replace(MINUS, "-"))


def shown_figures(watched: Watched, scope: str) -> dict[str, str]:
    """Texts of the figures within an element, by field."""
    script = "scope => Object.fromEntries([...document.querySelectorAll(`${scope} [data-field]`)]"
    found: dict[str, str] = watched.page.evaluate(
        script + ".map((each) => [each.dataset.field, each.innerText]))", scope
    )
    return found


def shown(watched: Watched, scope: str, update_id: int) -> dict[str, str]:
    """Figures of an element once it shows an update."""
    watched.page.locator(f"{scope}[data-update-id='{update_id}']").wait_for()
    return shown_figures(watched, scope)


def record_of(live: LivePage, book: MovingBook) -> dict[str, Any]:
    found: dict[str, Any] = live.gateway.get(f"/api/books/{book.venue}/{book.symbol}").json["book"]
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE])
def test_pages_load_without_an_error_and_are_readable(live: LivePage, size: tuple[int, int], scheme: Any) -> None:
    live.market.state(live.market.books[0], "gap", "missing_update")
    with live.market.moving(), live.open(PAGES[0], size, color_scheme=scheme) as watched:
        for name in PAGES:
            watched.page.locator(f"nav a[data-page={name}]").click()
            watched.page.locator(f".page-{name} [data-update-id]").first.wait_for()
            watched.page.locator(f".page-{name} .untrusted").first.wait_for()
            found = watched.page.evaluate(CONTRAST)
            assert found["failures"] == [] and found["checked"] > 30
            assert watched.page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert watched.errors == []
        hosts = {urlsplit(url).hostname for url in watched.requests if not url.startswith("data:")}
        assert hosts == {"127.0.0.1"} and len(watched.requests) > 20


def test_figures_equal_those_of_the_api_for_the_same_update(live: LivePage) -> None:
    book = live.market.books[5]
    with live.open("market") as watched:
        for _ in range(3):
            live.market.publish(book)
            record = record_of(live, book)
            row = shown(watched, f".books tr[data-key='{book.key}']", record["update_id"])
            for field, tolerance in (("best_bid", 0), ("mid", 0), ("best_ask", 0), ("spread_bps", 0.005)):
                assert number(row[field]) == pytest.approx(record[field], abs=tolerance + 1e-9)
            assert number(row["imbalance"]) == pytest.approx(record["imbalance"], abs=0.005)


def test_the_symbol_shows_the_record_and_every_level(live: LivePage) -> None:
    book = live.market.books[5]
    with live.open(book.key) as watched:
        live.market.publish(book)
        record = record_of(live, book)
        found = shown(watched, ".panel-figures", record["update_id"])
        assert int(found["update_id"]) == record["update_id"]
        for field in ("mid", "microprice", "spread", "spread_bps", "imbalance", "ofi", "bid_depth", "ask_depth"):
            digits = len(found[field].partition(".")[2])
            assert number(found[field]) == pytest.approx(record[field], abs=0.51 * 10**-digits), field
        shown(watched, ".panel-ladder", record["update_id"])
        texts = watched.page.locator(".ladder-row:not(.ladder-head)").all_inner_texts()
        rows = [[number(each) for each in text.split()[:2]] for text in texts]
        assert rows == [list(level) for level in [*reversed(record["asks"]), *record["bids"]]]


def test_the_keyboard_reaches_a_book_and_changes_the_theme(live: LivePage) -> None:
    first, second = sorted(book.key for book in live.market.books)[:2]
    with live.open("market", color_scheme="light") as watched:
        watched.page.locator(f".books tr[data-key='{first}']").focus()
        watched.page.keyboard.press("ArrowDown")
        watched.page.keyboard.press("Enter")
        watched.page.locator(".page-symbol .panel-figures").wait_for()
        assert watched.page.evaluate("location.hash") == f"#{second}"
        watched.page.keyboard.press("t")
        assert watched.page.evaluate("document.documentElement.dataset.theme") == "dark"
        watched.page.keyboard.press("1")
        watched.page.locator(f".books tr[data-key='{second}']").click()
        watched.page.locator(".page-symbol .panel-figures").wait_for()
        assert watched.errors == []


def test_an_alert_is_marked_at_its_time_and_listed(live: LivePage) -> None:
    book = live.market.books[1]
    with live.market.moving(), live.open(book.key) as watched:
        watched.page.locator(".panel-price canvas").first.wait_for()
        alert = live.market.alert(book, "spread_widening", "high")
        script = "time => document.querySelector('.panel-price').panel?.markers().find((each) => each.time === time)"
        marker = watched.until(script, alert.event_time // 1000)
        assert marker["rule"] == "spread_widening"
        place = (
            "time => document.querySelector('.panel-price').panel.markers().find((each) => each.time === time).x > 0"
        )
        watched.until(place, alert.event_time // 1000)
        entry = watched.page.locator(f"li[data-id='{alert.id}']")
        assert "spread widening" in entry.inner_text() and "high" in entry.inner_text()
        assert entry.locator("time").get_attribute("datetime") == watched.page.evaluate(
            "time => new Date(time).toISOString()", alert.event_time
        )


def test_flags_of_alerts_close_to_each_other_do_not_overlap(live: LivePage) -> None:
    rules = ("trade_sweep", "imbalance_flip", "order_flow_burst", "extreme_imbalance", "book_stale")
    book = live.market.books[3]
    with live.open(book.key) as watched:
        watched.page.locator(".panel-price canvas").first.wait_for()
        for rule in rules:
            live.market.alert(book, rule, "high")
        flags = watched.until(
            """(least) => {
              const { panel } = document.querySelector(".panel-price");
              return panel?.markers().length >= least && panel.flags().length >= 3 && panel.flags();
            }""",
            len(rules),
        )
        assert {flag["lane"] for flag in flags} <= {0, 1, 2}
        assert all(flag["left"] >= 0 for flag in flags)
        for lane in range(3):
            row = sorted((flag["left"], flag["left"] + flag["width"]) for flag in flags if flag["lane"] == lane)
            assert all(end <= begin for (_, end), (begin, _) in pairwise(row)), flags
        assert watched.errors == []


def test_sizes_have_the_unit_of_the_venue(live: LivePage) -> None:
    for place, unit in ((0, "BTC"), (3, "USD")):  # a spot book, and an inverse perpetual
        with live.open(live.market.books[place].key) as watched:
            watched.page.locator(".ladder-head", has_text=f"Size {unit}").wait_for()
            watched.page.locator(".panel-ofi h2", has_text=f"Order flow imbalance, {unit}").wait_for()
            watched.page.locator(".figure-bid_depth .unit", has_text=unit).wait_for()
            watched.page.locator(".heat-scale", has_text=f" {unit} and more").wait_for()
    with live.open("market") as watched:
        row = watched.page.locator(f".panel-comparison tr[data-key='{live.market.books[3].key}']")
        row.locator("td", has_text=" USD").first.wait_for()


def test_the_coin_of_a_symbol_is_that_of_the_python_rule(live: LivePage) -> None:
    with live.open("market") as watched:
        found = watched.page.evaluate(
            """async (symbols) => {
              const { coinOf } = await import("/live/lib/symbols.js");
              return Object.fromEntries(symbols.map((symbol) => [symbol, coinOf(symbol)]));
            }""",
            list(COINS),
        )
        assert found == COINS


def test_a_narrow_spread_is_not_shown_as_none_and_an_alert_names_its_venue(live: LivePage) -> None:
    book = next(book for book in live.market.books if book.key == "kraken:ETH/USD")
    with live.open("market") as watched:
        record = live.market.publish(book)
        row = shown(watched, f".books tr[data-key='{book.key}']", record["update_id"])
        assert number(row["spread_bps"]) == pytest.approx(record["spread_bps"], rel=0.01) and record["spread_bps"] < 0.1
        alert = live.market.alert(live.market.books[4], "liquidity_withdrawal", "medium")
        entry = watched.page.locator(f"li[data-id='{alert.id}']")
        entry.wait_for()
        cut = "entry => [...entry.children].filter((each) => each.scrollWidth > each.clientWidth).length"
        assert entry.evaluate(cut) == 0


def test_a_row_that_is_not_to_be_trusted_shows_its_reason_and_time_in_full(live: LivePage) -> None:
    book = live.market.books[3]
    with live.open("market") as watched:
        live.market.state(book, "gap", "missing_update")
        cell = watched.page.locator(f".books tr[data-key='{book.key}'].untrusted td:nth-child(10)")
        cell.filter(has_text="gap: missing update since ").wait_for()  # before that a new row has no data
        assert cell.evaluate("cell => cell.scrollWidth <= cell.clientWidth")

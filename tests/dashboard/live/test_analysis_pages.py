"""Options, Pipeline and Replay: figures equal the API's, at both sizes and in both themes without an error."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import Watched
from tests.dashboard.chain_market import PRODUCT, VENUE, publish_chain
from tests.dashboard.live.conftest import DESK, PHONE, LivePage
from tests.dashboard.live.test_pages import CONTRAST, number
from tests.dashboard.market import MovingMarket, now_ms
from tests.gateway.conftest import Backend, Served, serving
from tests.gateway.pipeline.fake_cluster import FLINK, FORWARDER, answering
from tests.gateway.replay.test_rebuilt import FIXTURES, books
from tests.gateway.replay.test_recorded_records import record

LOOKS = [(size, theme) for theme in ("light", "dark") for size in (DESK, PHONE)]
CHOSEN = """day => document.querySelector(`button[data-expiry='${day}']`)?.getAttribute("aria-pressed") === "true"
  && document.querySelector(".panel-chain h2").dataset.expiry === day"""

# Least contrast of the texts in the cells of the surface, from the pixels of the canvas; null until it has the theme.
CELLS = """() => {
  const { panel } = document.querySelector(".panel-surface");
  const chart = panel.chart();
  const { series: [{ data }], visualMap: [{ inRange }] } = chart.getOption();
  if (inRange.color[0] !== getComputedStyle(document.documentElement).getPropertyValue("--panel").trim()) return null;
  const pen = chart.renderToCanvas({ pixelRatio: 1, backgroundColor: inRange.color[0] }).getContext("2d");
  const part = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const weights = [0.2126, 0.7152, 0.0722];
  const luminance = (rgb) => weights.reduce((sum, weight, place) => sum + weight * part(rgb[place] / 255), 0);
  const contrasts = data.map(([column, row]) => {
    const [x, y] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [column, row]).map(Math.round);
    const { data: pixels } = pen.getImageData(x - 11, y - 6, 22, 12);
    const back = luminance([...pen.getImageData(x - 11, y - 7, 1, 1).data]);
    const inks = Array.from({ length: pixels.length / 4 }, (_, at) => luminance(pixels.slice(4 * at, 4 * at + 3)));
    return Math.max(...inks.map((ink) => (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05)));
  });
  return { cells: contrasts.length, least: Math.min(...contrasts) };
}"""


@dataclass(frozen=True)
class Recorded:
    """A recorded book: folder, key, first and last append time in epoch ms."""

    folder: Path
    key: str
    first: int
    last: int


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recording")
    key, _, first, last = record(folder, FIXTURES[0])
    return Recorded(folder, key, first, last)


@pytest.fixture(scope="module")
def equipped(live_backend: Backend, recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway with a recording, a cluster and a forwarder; no notify process runs."""
    with answering(FLINK) as flink, answering(FORWARDER) as forwarder:
        environment = live_backend.environment(
            auth="off",
            flink_rest_url=f"http://{flink.address}",
            pipeline_targets=f"forwarder={forwarder.address},notify=127.0.0.1:1",
            replay_recording=recorded.folder,
        )
        with serving(environment, tmp_path_factory.mktemp("equipped")) as served:
            yield served


@pytest.fixture
def pages(equipped: Served, market: MovingMarket, browser: Browser) -> LivePage:
    return LivePage(equipped, market, browser)


def assert_readable(watched: Watched) -> None:
    """No error, readable texts and no sideways scrolling, at both sizes and in both themes."""
    for (width, height), theme in LOOKS:
        watched.page.set_viewport_size({"width": width, "height": height})
        watched.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        found = watched.page.evaluate(CONTRAST)
        assert found["failures"] == [] and found["checked"] > 20, (width, theme)
        assert watched.page.evaluate("document.documentElement.scrollWidth") == width, theme
    assert watched.errors == []


def cell(watched: Watched, strike: float, side: int, field: str) -> str:
    """Text of a cell of the chain; `side`: 0 for calls, 1 for puts."""
    return watched.page.locator(f"tr[data-strike='{strike:g}'] td[data-field={field}]").nth(side).inner_text()


def figure(watched: Watched, name: str) -> str:
    return watched.text(f"[data-figure={name}]")


def test_options_answer_what_the_market_expects_and_where_max_pain_is(pages: LivePage) -> None:
    publish_chain(pages.market.feeder, now_ms())
    get = pages.gateway.get
    terms = get(f"/api/analytics/term-structure/{PRODUCT}").json["expiries"]
    week = [term for term in terms if term["days"] <= 7.5][-1]
    with pages.open(f"options:{PRODUCT}") as watched:
        watched.until(CHOSEN, week["expiry"])  # without a click
        for term in (week, terms[-1]):
            expiry = term["expiry"]
            watched.page.locator(f"button[data-expiry='{expiry}']").click()
            watched.until(CHOSEN, expiry)
            assert number(figure(watched, "week").split()[1]) == round(term["expected_move"])
            interest = get(f"/api/analytics/open-interest/{PRODUCT}?expiry={expiry}").json
            assert number(figure(watched, "call_wall").split()[0]) == interest["call_wall"]
            assert number(figure(watched, "put_wall").split()[0]) == interest["put_wall"]
            assert figure(watched, "put_wall").endswith(f" {PRODUCT})")
            pain = get(f"/api/analytics/max-pain/{PRODUCT}?expiry={expiry}").json
            assert number(figure(watched, "pain").split()[0]) == pain["max_pain_strike"]
            low, _, high = figure(watched, "range").partition(" to ")
            assert number(low) == round(term["forward"] - term["expected_move"])
            assert number(high) == round(term["forward"] + term["expected_move"])
            chain = get(f"/api/data/chain/{PRODUCT}?expiry={expiry}").json["chains"][0]
            for side, options in enumerate((chain["calls"], chain["puts"])):
                for option in options[::8]:
                    assert number(cell(watched, option["strike"], side, "ask")) == option["ask"]
                    assert number(cell(watched, option["strike"], side, "delta")) == round(option["delta"], 2)
        assert (
            watched.page.locator(".options-grid .panel:has(.chart-frame canvas)").count() == 5
        )  # the ratios have no history here
        assert "max pain" in (watched.page.locator(".panel-interest .chart-frame").get_attribute("aria-label") or "")
        for theme in ("light", "dark"):
            watched.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            cells = watched.until(CELLS)
            assert cells["cells"] > 30 and cells["least"] >= 4.5, (theme, cells)
        assert_readable(watched)
        pages.market.feeder.state("gap", now_ms(), "sequence", key=f"{VENUE}:{PRODUCT}")
        watched.page.locator(".panel-smile.untrusted .trust-note", has_text="gap: sequence since ").wait_for()
        pages.market.feeder.state("synced", now_ms(), key=f"{VENUE}:{PRODUCT}")


def test_options_that_no_longer_come_are_stale(
    live_backend: Backend, market: MovingMarket, browser: Browser, tmp_path: Path
) -> None:
    with serving(live_backend.environment(auth="off", stale_after_s=10), tmp_path) as gateway:
        market.feeder.state("synced", now_ms(), key=f"{VENUE}:{PRODUCT}")
        publish_chain(market.feeder, now_ms())
        with LivePage(gateway, market, browser).open(f"options:{PRODUCT}") as watched:
            watched.page.locator("[data-figure=state]", has_text="synced").wait_for()
            watched.page.locator(".panel-smile.untrusted .trust-note", has_text="stale: no update since ").wait_for()
            watched.page.locator("[data-figure=state].bad", has_text="stale: no update since ").wait_for()


def test_the_pipeline_has_the_figures_of_the_api_and_says_what_is_away(pages: LivePage) -> None:
    with pages.open("pipeline") as watched:
        watched.page.locator("tr[data-name='t.books']").wait_for()
        found = pages.gateway.get("/api/pipeline").json
        for name in ("books", "out_of_sync", "gaps", "dead_letters"):
            assert number(figure(watched, name)) == found["totals"][name]
        assert figure(watched, "forwarders") == "0 of 1"
        rows = watched.page.locator(".page-pipeline tr[data-name]")
        names = {row.get_attribute("data-name") for row in rows.all()}
        assert names >= {"t.books", "t.cache", "t.books kraken", "notify 127.0.0.1:1"} and len(names) == 6
        shown = watched.page.locator(".away-list li").all_inner_texts()
        assert len(shown) == len(found["away"]) == 4
        assert "notify at 127.0.0.1:1 is unavailable: Connection refused" in shown
        assert_readable(watched)


def replayed(gateway: Served, recorded: Recorded) -> list[dict[str, Any]]:
    """Books of the span as the API has them."""
    path = f"/api/replay/{recorded.key.replace(':', '/')}?from={recorded.first}&to={recorded.last}"
    return books([json.loads(each) for each in gateway.get(path).body.splitlines()])


def assert_shows(watched: Watched, book: dict[str, Any]) -> None:
    """Figures and depth are those of a book, once its update is there."""
    for panel in (".panel-figures", ".panel-ladder"):
        watched.page.locator(f"{panel}[data-update-id='{book['update_id']}']").wait_for()
    texts = watched.page.locator(".ladder-row:not(.ladder-head)").all_inner_texts()
    levels = [[number(each) for each in text.split()[:2]] for text in texts if text.strip()]
    assert levels == [list(level) for level in [*reversed(book["asks"]), *book["bids"]]]


def test_a_recording_is_played_in_the_panels_of_symbol(pages: LivePage, recorded: Recorded) -> None:
    wanted = replayed(pages.gateway, recorded)
    with pages.open(f"replay:{recorded.key}@{recorded.first}-{recorded.last}") as watched:
        watched.page.locator("button[name=play]:enabled").wait_for()
        assert watched.text(".replay-source").startswith("rebuilt from a recording, with depth: ")
        watched.page.keyboard.press("End")
        assert_shows(watched, wanted[-1])
        watched.page.keyboard.press("Home")
        watched.page.locator(f".panel-figures[data-update-id='{wanted[-1]['update_id']}']").wait_for(state="detached")
        for _ in range(5):
            watched.page.keyboard.press("+")
        assert watched.page.locator("[data-speed='60'][aria-pressed=true]").count() == 1
        watched.page.keyboard.press(" ")
        assert_shows(watched, wanted[-1])
        assert_readable(watched)


def test_a_span_that_is_not_known_is_said(pages: LivePage) -> None:
    with pages.open(f"replay:{pages.market.books[0].key}@1000-2000") as watched:
        watched.page.locator(".replay-source.problem", has_text="nothing of binance:BTCUSDT is stored").wait_for()

"""Distrust on the page: a gap, a gateway that is stopped or hangs, and both mended."""

import re
import signal
import time
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser import Watched
from tests.dashboard.live.conftest import LivePage
from tests.dashboard.market import MovingMarket, now_ms
from tests.gateway.conftest import Backend, serving

TRIES = 3  # a busy machine delays one of them
# Epoch ms at which a function of JavaScript first became true, looked at in every frame.
WHEN = """source => new Promise((done) => {
  const holds = () => {
    const panels = [...document.querySelectorAll(source.panels)];
    const hatched = panels.filter((each) => each.classList.contains("untrusted"));
    return panels.length >= source.least && hatched.length === (source.untrusted ? panels.length : 0);
  };
  const look = () => (holds() ? done(Date.now()) : requestAnimationFrame(look));
  look();
})"""
SYMBOL_PANELS = ".page-symbol :is(.panel-figures, .panel-ladder, .panel-heat, .panel-price, .symbol-right .panel)"
SAID = "() => /^no connection to the gateway since [0-9:]{8}$/.test(document.querySelector('.banner').textContent)"
CONNECTED = """() => document.querySelector(".banner").hidden
  && document.querySelector(".connection").textContent === "connected" """
HEADER = "() => [...document.querySelectorAll('.states > :not([hidden])')].map((each) => each.innerText).join(' | ')"


def test_a_gap_hatches_every_panel_within_a_second_and_clears_with_synced(live: LivePage) -> None:
    book = live.market.books[0]
    every = {"panels": SYMBOL_PANELS, "least": 9}
    with live.market.moving(), live.open(book.key) as watched:
        watched.page.evaluate(WHEN, every | {"untrusted": False})
        delays = []
        for _ in range(TRIES):
            since = live.market.state(book, "gap", "missing_update")
            delays.append(watched.page.evaluate(WHEN, every | {"untrusted": True}) - since)
            assert "gap: missing update since " in watched.text(".panel-ladder .trust-note")
            assert re.fullmatch(r"connected \| book gap [0-9.]+ s: missing update", watched.page.evaluate(HEADER))
            live.market.state(book, "synced")
            watched.page.evaluate(WHEN, every | {"untrusted": False})
            if delays[-1] <= 1000:
                break
        assert min(delays) <= 1000, delays
        assert watched.page.locator(".trust-note").count() == 0
        assert watched.page.evaluate(HEADER) == "connected | book synced"


def test_a_row_of_the_market_says_why_it_is_hatched(live: LivePage) -> None:
    book = live.market.books[2]
    with live.open("market") as watched:
        row = {"panels": f".books tr[data-key='{book.key}']", "least": 1}
        watched.page.evaluate(WHEN, {"panels": ".books tbody tr", "least": 8, "untrusted": False})
        live.market.state(book, "gap", "checksum")
        watched.page.evaluate(WHEN, row | {"untrusted": True})
        assert "gap: checksum since " in watched.text(row["panels"])
        assert watched.page.locator(".books tr.untrusted").count() == 1
        watched.until(f"() => ({HEADER})().startsWith('connected | {book.key} gap ')")
        live.market.state(book, "synced")
        watched.page.evaluate(WHEN, row | {"untrusted": False})


def away(watched: Watched, since: int) -> int:
    """Time from `since` until the page shows that the gateway is unavailable, ms."""
    watched.until(SAID)
    return now_ms() - since


def test_a_gateway_that_is_stopped_or_hangs_is_said_within_three_seconds_and_mended_by_itself(
    live_backend: Backend, market: MovingMarket, browser: Browser, tmp_path: Path
) -> None:
    with serving(live_backend.environment(auth="off"), tmp_path) as gateway:
        page = LivePage(gateway, market, browser)
        with market.moving(), page.open(market.books[0].key) as watched:
            watched.until(CONNECTED)
            delays = []
            for _ in range(TRIES):
                assert gateway.process is not None
                gateway.process.send_signal(signal.SIGSTOP)
                delays.append(away(watched, now_ms()))
                gateway.process.send_signal(signal.SIGCONT)
                watched.until(CONNECTED)
                if delays[-1] <= 3000:
                    break
            assert min(delays) <= 3000, delays
            stopped = now_ms()
            gateway.stop()
            assert away(watched, stopped) <= 10_000
            assert watched.page.locator("html.away").count() == 1
            assert watched.page.evaluate(HEADER) == "not connected"
            gateway.start()
            watched.until(CONNECTED)
            later = time.time_ns() // 1_000_000
            watched.until("time => Number(document.querySelector('.panel-figures').dataset.updateId) > time", later)
            assert [error for error in watched.errors if "ERR_CONNECTION" not in error] == []

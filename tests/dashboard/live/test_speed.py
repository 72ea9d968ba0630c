"""Frames, long tasks and memory of the page under live data: briefly, and ten minutes (SOAK_S) in `make soak`."""

import json
import os

import pytest
from playwright.sync_api import Browser, CDPSession

from tests.browser import Watched
from tests.dashboard.live.conftest import LivePage
from tests.soak import soak

FRAMES_PER_S = 12
SECONDS, SOAK_SECONDS = 4, 600
LONGEST_MS = 100
TRACED_S = 6
# Frames drawn in each second.
MEASURE = """async (seconds) => {
  const { drawnFrames } = await import("/live/lib/draw.js");
  const frames = [];
  for (let second = 0; second < seconds; second += 1) {
    const [before, began] = [drawnFrames(), performance.now()];
    await new Promise((done) => setTimeout(done, 1000));
    frames.push((1000 * (drawnFrames() - before)) / (performance.now() - began));
  }
  return frames;
}"""


def heap_bytes(session: CDPSession) -> int:
    """Heap of the page after a collection."""
    session.send("HeapProfiler.collectGarbage")
    found: int = session.send("Runtime.getHeapUsage")["usedSize"]
    return found


def frames_of(watched: Watched, seconds: int) -> list[float]:
    found: list[float] = watched.page.evaluate(MEASURE, seconds)
    return found


def longest_task_ms(browser: Browser, watched: Watched) -> float:
    """Longest task of the page in TRACED_S, in processor time: a busy machine makes no task longer."""
    browser.start_tracing(page=watched.page, categories=["toplevel"])
    frames_of(watched, TRACED_S)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    threads = {(each["pid"], each["tid"]) for each in events if each.get("args", {}).get("name") == "CrRendererMain"}
    tasks = [
        each["tdur"] / 1000
        for each in events
        if (each["pid"], each["tid"]) in threads and each["name"].endswith("RunTask") and "tdur" in each
    ]
    assert len(tasks) > 100
    return max(tasks)


def test_a_page_draws_at_the_rate_of_its_loop_and_nothing_without_a_change(live: LivePage) -> None:
    with live.open("market") as watched:
        with live.market.moving(20):
            watched.page.locator("tr[data-update-id]").first.wait_for()
            frames = frames_of(watched, SECONDS)
            longest = longest_task_ms(live.browser, watched)
        assert longest <= LONGEST_MS
        assert 10 <= max(frames) <= FRAMES_PER_S + 1.5, frames
        assert watched.errors == []


@soak
@pytest.mark.timeout(4 * SOAK_SECONDS)
def test_ten_minutes_of_live_data_draw_smoothly_and_keep_the_heap_flat(live: LivePage) -> None:
    seconds = int(os.environ.get("SOAK_S", SOAK_SECONDS)) // 2
    with live.market.moving(10):
        for fragment in ("market", live.market.books[0].key):
            with live.open(fragment) as watched:
                session = watched.page.context.new_cdp_session(watched.page)
                watched.page.locator("[data-update-id]").first.wait_for()
                frames_of(watched, seconds // 2)  # until its windows of time are full
                before = heap_bytes(session)
                frames = frames_of(watched, seconds // 2)
                longest = longest_task_ms(live.browser, watched)
                after = heap_bytes(session)
                rate = sum(frames) / len(frames)
                print(f"{fragment}: {rate:.1f} frames/s, longest task {longest:.0f} ms, heap {before} → {after}")
                assert rate >= 10 and longest <= LONGEST_MS
                assert after <= 1.1 * before and watched.errors == []

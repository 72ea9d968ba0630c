"""Memory of the page under live data; in `make soak` also its frames and long tasks, twelve minutes long (SOAK_S).

Times have no limit in the suite, whose machine is shared: they are a matter of `make soak`, which runs alone.

Objects are counted without code that the engine compiles, which grows for minutes and is bounded by the program. They
grow until every window of time is full: sparklines after 120 s, the heat map after 100 s, the series of a book after
300 s. So they are compared where all are full, or where a walk has removed them.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import CDPSession

from tests.browser import Watched
from tests.dashboard.chain_market import PRODUCT
from tests.dashboard.live.conftest import LivePage
from tests.soak import soak

FRAMES_PER_S, LEAST_FRAMES_PER_S = 12, 10
LONGEST_MS = 100
FRAME_MS = 50  # processor time of a page of books for one frame, everything included
GROWTH = 1.1
OPTIONS = f"options:{PRODUCT}"
WALK_S = {"market": 2, "symbol": 2, "options": 2}  # of a round
ROUNDS, WARM_ROUNDS = 4, 2
SOAK_SECONDS = 720
SOAK_SHARES = {"market": 1 / 4, "symbol": 2 / 3, "options": 1 / 12}
SHOWN = {"market": "tr[data-update-id]", "symbol": ".panel-ladder[data-update-id]", "options": ".panel-smile canvas"}
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
# Animation frames of four panels of which each draws for 30 ms.
SLOW_PANELS = """async () => {
  const { register } = await import("/live/lib/draw.js");
  const times = [];
  return await new Promise((done) => {
    const panels = Array.from({ length: 4 }, () => register((time) => {
      times.push(time);
      for (const began = performance.now(); performance.now() - began < 30; ) continue;
      if (times.length === 4) done(times);
    }));
    for (const panel of panels) panel.changed();
  });
}"""
DRAWN = "async () => (await import('/live/lib/draw.js')).drawnFrames()"


@dataclass(frozen=True)
class Visitor:
    """A page that is walked and watched."""

    live: LivePage
    watched: Watched
    session: CDPSession

    def go(self, name: str) -> None:
        """Open a page by its hash, and wait until it shows a value."""
        fragment = {"market": "market", "symbol": self.live.market.books[0].key, "options": OPTIONS}[name]
        self.watched.page.evaluate("hash => { location.hash = hash; }", fragment)
        self.watched.page.locator(f".page-{name} {SHOWN[name]}").first.wait_for()

    def frames(self, seconds: float) -> list[float]:
        """Frames of each second."""
        found: list[float] = self.watched.page.evaluate(MEASURE, round(seconds))
        return found

    def drawn(self) -> int:
        """Frames since the page was opened."""
        found: int = self.watched.page.evaluate(DRAWN)
        return found

    def heap(self) -> tuple[int, int]:
        """Bytes of objects after collection; and with compiled code, as the engine counts them."""
        chunks: list[str] = []
        self.session.on("HeapProfiler.addHeapSnapshotChunk", add := lambda event: chunks.append(event["chunk"]))
        self.session.send("HeapProfiler.takeHeapSnapshot")
        self.session.remove_listener("HeapProfiler.addHeapSnapshotChunk", add)
        used = self.session.send("Runtime.getHeapUsage")["usedSize"]
        return objects_bytes(json.loads("".join(chunks))), used

    def start_trace(self) -> None:
        self.live.browser.start_tracing(page=self.watched.page, categories=["toplevel"])

    def tasks_ms(self) -> list[float]:
        """Tasks since `start_trace` in processor time: a busy machine makes none of them longer."""
        events = json.loads(self.live.browser.stop_tracing())["traceEvents"]
        threads = {_thread(each) for each in events if each.get("args", {}).get("name") == "CrRendererMain"}
        found = [each["tdur"] / 1000 for each in events if _is_task(each) and _thread(each) in threads]
        assert len(found) > 100
        return found


def objects_bytes(snapshot: dict[str, Any]) -> int:
    """Size of a heap without compiled code and without the browser's own objects."""
    meta, nodes = snapshot["snapshot"]["meta"], snapshot["nodes"]
    fields, kinds = meta["node_fields"], meta["node_types"][0]
    kind, size = (nodes[fields.index(name) :: len(fields)] for name in ("type", "self_size"))
    left = {kinds.index("code"), kinds.index("native")}
    return sum(each for place, each in enumerate(size) if kind[place] not in left)


def _thread(event: dict[str, Any]) -> tuple[int, int]:
    return event["pid"], event["tid"]


def _is_task(event: dict[str, Any]) -> bool:
    return event["name"].endswith("RunTask") and "tdur" in event


@pytest.fixture
def visitor(live: LivePage) -> Iterator[Visitor]:
    """A page of eight books and a chain that all change."""
    live.market.chain()
    with live.market.moving(20, chain=True), live.open("market") as watched:
        yield Visitor(live, watched, watched.page.context.new_cdp_session(watched.page))
        assert watched.errors == []


def test_panels_that_draw_for_long_share_no_animation_frame(live: LivePage) -> None:
    with live.open("pipeline") as watched:
        times = watched.page.evaluate(SLOW_PANELS)
        assert times == sorted(set(times)), times


def test_walks_through_the_pages_keep_the_heap_flat_and_the_frames_few(visitor: Visitor) -> None:
    heaps: list[tuple[int, int]] = []
    for turn in range(ROUNDS):
        for name, seconds in WALK_S.items():
            visitor.go(name)
            frames = visitor.frames(seconds)
            assert max(frames) <= FRAMES_PER_S + 1.5, (name, frames)
            assert sum(frames) or name == "options", name  # which changes once a second at most
        visitor.go("market")
        if turn in (WARM_ROUNDS - 1, ROUNDS - 1):
            heaps.append(visitor.heap())
    assert heaps[-1][0] <= GROWTH * heaps[0][0], heaps


@soak
@pytest.mark.timeout(4 * SOAK_SECONDS)
def test_minutes_of_live_data_draw_smoothly_and_keep_the_heap_flat(visitor: Visitor) -> None:
    for name, share in SOAK_SHARES.items():
        third = share * float(os.environ.get("SOAK_S", SOAK_SECONDS)) / 3
        visitor.go(name)
        visitor.frames(2 * third)  # until its windows of time are full
        before = visitor.heap()
        visitor.start_trace()
        drawn, frames = visitor.drawn(), visitor.frames(min(third, 20))
        drawn, tasks = visitor.drawn() - drawn, visitor.tasks_ms()
        longest, cost = max(tasks), sum(tasks) / drawn
        frames += visitor.frames(third - min(third, 20))
        after = visitor.heap()
        rate = sum(frames) / len(frames)
        told = f"{rate:.1f} frames/s, longest task {longest:.0f} ms, {cost:.0f} ms a frame"
        print(f"{name}: {told}, heap {before} → {after}")
        assert longest <= LONGEST_MS
        assert cost <= FRAME_MS or name == "options"
        assert after[0] <= GROWTH * before[0]
        assert rate >= LEAST_FRAMES_PER_S or name == "options"  # which changes once a second

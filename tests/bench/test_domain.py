"""The domain bench on a few generated frames: figures, floor and report."""

import json
from pathlib import Path

import pytest

import bench.domain
from bench.domain import cost, generated, with_book_depth
from bench.floor import DECODERS, floor_of
from core.records import Processed
from core.topics import record_key
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from simulator.registry import default_symbols
from venues.registry import VENUES, open_builder

FRAMES = 30


def builder_of(venue: str) -> BookBuilder:
    builder = open_builder(record_key(venue, default_symbols(venue)[0]), BookConfig())
    assert isinstance(builder, BookBuilder)
    return builder


@pytest.mark.parametrize("venue", VENUES)
def test_the_floor_has_every_book_frame_and_its_record(venue: str):
    values = generated(venue, 10, 60, FRAMES)
    updates = [value for value in values if b'"frame"' in value and b'"channel":"snapshot"' not in value]
    floor = floor_of(venue, [values], [builder_of(venue)])
    assert floor.frames == updates
    assert len(floor.records) >= len(updates) - 2  # some wait for the snapshot
    assert all(type(record) is Processed for record in floor.records)
    assert floor.us() > 0


def test_the_floor_decodes_the_levels_of_every_venue_to_numbers():
    for venue, decode in DECODERS.items():
        floor = floor_of(venue, [generated(venue, 10, 60, FRAMES)], [builder_of(venue)])
        assert "Raw" not in repr(decode(floor.frames[-1]))


def test_the_cost_of_a_frame_is_the_sum_of_its_parts_and_above_the_floor():
    figures = cost([generated("binance", 10, 60, FRAMES)], passes=3)
    assert 0 < figures.floor_us < figures.mean_us <= figures.p99_us
    assert figures.ticks_us + figures.journal_us < figures.batched_us
    assert figures.ratio > 1


def test_levels_that_are_added_to_a_snapshot_lie_behind_the_others():
    values = with_book_depth(generated("binance", 10, 60, FRAMES), 400)
    builder = builder_of("binance")
    assert builder.apply_all(values).counts.rejected == 0
    assert builder.synced


def test_the_last_line_has_the_figures_of_every_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(bench.domain, "REPEATS", 1)
    monkeypatch.setattr(bench.domain, "generated", lambda venue, changed, *_, **__: generated(venue, 10, 60, FRAMES))
    monkeypatch.setattr(bench.domain, "DEPTHS", (130, 260))
    bench.domain.report(Path("nowhere"), passes=1)
    printed = capsys.readouterr().out
    figures = json.loads(printed.splitlines()[-1])
    assert bench.domain.GOALS.keys() < figures.keys()
    rows = {name: value for name, value in figures.items() if isinstance(value, dict)}
    assert all(row.keys() == bench.domain.Cost.__annotations__.keys() for row in rows.values())
    assert figures["deep_ratio"] > 0
    assert "≤ 4" in printed and "ratio" in printed

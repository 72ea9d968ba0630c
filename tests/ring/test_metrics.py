"""Metrics of a ring, and the reasons why it is not ready."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from core.resources import ROOT
from ring.feed import RingFeed
from ring.metrics import RingMetrics
from ring.writer import RingWriter
from tests.ring.builders import opened, write


def metrics(writer: RingWriter, **records: int) -> RingMetrics:
    reader: Any = SimpleNamespace(records=Counter(records))  # the consumer counts, which needs a broker
    return RingMetrics(writer, RingFeed(writer, ()), reader)


def test_a_ring_is_ready_once_it_has_a_book_and_slots_for_all(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, _):
        state = metrics(writer)
        assert state.not_ready() == ["no book has been read yet"]
        for number in range(4):
            write(writer, 1, key=f"v:{number}")
        assert state.not_ready() == []
        write(writer, 1, key="v:X")
        assert state.not_ready() == ["no slot for v:X: give more --slots"]


def test_every_metric_is_in_the_page(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, _):
        write(writer, 1)
        registry = CollectorRegistry()
        registry.register(metrics(writer, trades=3))
        shown = generate_latest(registry).decode()
    assert 'ring_records_total{topic="trades"} 3.0' in shown and "ring_books 1.0" in shown
    page = (ROOT / "docs" / "ring.md").read_text()
    names = {line.split()[0].partition("{")[0] for line in shown.splitlines() if not line.startswith("#")}
    assert len(names) == 5 and [name for name in names if name not in page] == []

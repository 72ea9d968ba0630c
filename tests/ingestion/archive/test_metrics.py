"""Metrics and health of the recorder."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from ingestion.archive import metrics
from ingestion.archive.metrics import SILENT_S, RecorderMetrics

NEWEST_S = 1_000_000.0


def state(**changes: Any) -> RecorderMetrics:
    """Metrics of a recorder that reads, with 7 records."""
    archive = SimpleNamespace(written={("kraken", "orderbook.raw"): 7})
    values = {"archive": archive, "gaps": ["a range"], "newest_ms": int(1000 * NEWEST_S), "running": True} | changes
    return RecorderMetrics(cast(Any, SimpleNamespace(**values)))


def test_records_gaps_and_the_newest_time_are_exported() -> None:
    registry = CollectorRegistry()
    registry.register(state())
    text = generate_latest(registry).decode()
    assert 'recorder_records_total{topic="orderbook.raw",venue="kraken"} 7.0' in text
    assert "recorder_gaps 1.0" in text and "recorder_newest_record_timestamp_seconds 1e+06" in text


@pytest.mark.parametrize(("age_s", "reasons"), [(SILENT_S - 1, []), (SILENT_S + 1, ["no record of the last 120 s"])])
def test_a_recorder_is_ready_while_records_arrive(
    age_s: float, reasons: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "time", lambda: NEWEST_S + age_s)
    assert state().not_ready() == reasons and state().unhealthy() == []


def test_a_recorder_that_does_not_read_is_not_healthy() -> None:
    assert state(running=False).unhealthy() == ["the recorder does not read"]

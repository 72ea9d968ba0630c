"""What benchmarks feed on, and the clock that they share, without a broker."""

import json
from itertools import count

import pytest

from bench import offsets
from bench.load import plan, said
from bench.offsets import Standstill, rates_until
from market import topics


def test_what_the_books_job_would_say_is_said_batch_by_batch() -> None:
    batches = list(said(plan("binance", 2, 20), 400))
    processed = [line for batch in batches if batch.topic == topics.PROCESSED for line in batch.lines]
    assert len(processed) > 300
    first = next(batch for batch in batches if batch.topic == topics.PROCESSED)
    times = [str(json.loads(line)["event_time"]).encode() for line in (first.lines[0], first.lines[-1])]
    assert first.headers() == [("since", times[0]), ("until", times[1])]
    assert {batch.key for batch in batches} == {f"binance:{batch.symbol}" for batch in batches}


def test_a_rate_leaves_out_what_came_before_the_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(0.0, 1.0)
    monkeypatch.setattr(offsets.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(offsets.time, "sleep", lambda seconds: None)
    taken, rows = iter([0, 0, 0, 20, 60, 100]), iter([5, 13])
    assert rates_until("it", 100, lambda: next(taken), lambda: next(rows)) == [40, 4]


def test_what_stands_still_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(0.0, 100.0)
    monkeypatch.setattr(offsets.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(offsets.time, "sleep", lambda seconds: None)
    with pytest.raises(Standstill, match="^it stands at 7 of 100 records for 120 s"):
        rates_until("it", 100, lambda: 7)

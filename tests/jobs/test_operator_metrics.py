"""Metrics of the operators: counted per batch, by venue, from the lines that are emitted."""

import msgspec
import pytest

from core import topics
from core.records import Status
from jobs.operator_metrics import PROMPT_MS, BatchSummary, OperatorMetrics
from tests.fakes import FakeMetrics

KEY = "kraken:BTC/USD"
RECEIVED_MS = 1_000_000


def record(event_time: int = RECEIVED_MS - 20, recv_ms: int = RECEIVED_MS) -> bytes:
    return msgspec.json.encode({"venue": "kraken", "event_time": event_time, "recv_us": recv_ms * 1000, "mid": 1.5})


def status(state: str) -> bytes:
    return msgspec.json.encode(Status("kraken", "BTC/USD", RECEIVED_MS, state, "test"))  # type: ignore[arg-type]


@pytest.fixture
def group() -> FakeMetrics:
    return FakeMetrics()


def count(group: FakeMetrics, *batches: BatchSummary, now_ms: int = RECEIVED_MS + 30) -> dict[str, int]:
    """Metrics of the venue after these batches."""
    metrics = OperatorMetrics(group)
    for batch in batches:
        metrics.count(batch, now_ms)
    head = "depthflow.venue.kraken."
    return {name.removeprefix(head): value for name, value in group.values.items() if name.startswith(head)}


def test_a_batch_is_counted_by_its_lines(group: FakeMetrics) -> None:
    lines = [
        (topics.PROCESSED, [record(), record(event_time=RECEIVED_MS + 5)]),
        (topics.STATUS, [status("gap"), status("synced"), status("stale")]),
        (topics.DEAD_LETTERS, [b"{}"]),
        (topics.TRADES, []),
    ]
    assert count(group, BatchSummary(KEY, 7, lines, "in sync")) == {
        "frames": 7,
        "applied": 2,
        "prompt": 2,
        "gaps": 1,
        "stale": 1,
        "dead_letters": 1,
        "lag_ms": 25,
        "keys": 1,
        "out_of_sync": 0,
    }


def test_a_batch_that_comes_late_is_applied_and_not_prompt(group: FakeMetrics) -> None:
    batch = BatchSummary(KEY, 1, [(topics.PROCESSED, [record()])], "in sync")
    found = count(group, batch, now_ms=RECEIVED_MS + PROMPT_MS + 1)
    assert (found["applied"], found["prompt"]) == (1, 0)


def test_a_chain_has_no_time_of_receipt_and_is_measured_by_its_second(group: FakeMetrics) -> None:
    line = msgspec.json.encode({"event_time": RECEIVED_MS})
    found = count(group, BatchSummary("kraken:BTC", 1, [(topics.OPTION_CHAINS, [line])], "in sync"))
    assert (found["applied"], found["prompt"], found["lag_ms"]) == (1, 1, 30)


@pytest.mark.parametrize("state", ["stale", "out of sync", "untrusted"])
def test_a_book_is_out_of_sync_until_it_is_in_sync_again(group: FakeMetrics, state: str) -> None:
    lost, other = BatchSummary(KEY, 1, [], state), BatchSummary("kraken:ETH/USD", 1, [], "in sync")
    found = count(group, lost, lost, other)
    assert (found["keys"], found["out_of_sync"]) == (2, 1)
    found = count(group, lost, other, BatchSummary(KEY, 1, [], "in sync"))
    assert (found["keys"], found["out_of_sync"]) == (2, 0)


def test_a_key_whose_state_is_deleted_is_not_counted_any_more(group: FakeMetrics) -> None:
    metrics = OperatorMetrics(group)
    metrics.count(BatchSummary(KEY, 1, [], "stale"), RECEIVED_MS)
    metrics.forget(KEY)
    assert group.values["depthflow.venue.kraken.out_of_sync"] == group.values["depthflow.venue.kraken.keys"] == 0


def test_keys_without_a_known_venue_share_one_label(group: FakeMetrics) -> None:
    metrics = OperatorMetrics(group)
    for number in range(50):
        metrics.count(BatchSummary(f"v{number}:X", 1, [], "out of sync"), RECEIVED_MS)
    assert group.values["depthflow.venue.other.frames"] == 50
    assert {name.rpartition(".")[0] for name in group.values} == {"depthflow.venue.other"}

"""Latencies from the broker's stamps, without a broker."""

import numpy as np

from bench.latency import Latency, Percentiles, Sent, latency_of
from bench.stamps import Matched, Stamped, commit_times

NAN = float("nan")


def test_a_record_is_committed_when_the_stable_offset_has_passed_it() -> None:
    commits = [(1000.0, (5, 0)), (2000.0, (5, 3)), (3000.0, (9, 3))]
    places = [(0, 4), (0, 5), (1, 0), (1, 2), (1, 3)]
    records = [Stamped(("a", 1), 0, partition, offset) for partition, offset in places]
    np.testing.assert_equal(commit_times(commits, records), [1000, 3000, 2000, 2000, NAN])


def test_the_warm_up_and_records_without_a_commit_do_not_count() -> None:
    sent = np.arange(0.0, 10_000.0, 100.0)
    committed = sent + 700
    committed[-1] = NAN
    late = np.where(sent < 5_000, 400.0, 40.0)
    matched = Matched(np.array(["binance:COIN0USDT"] * 100), sent, sent + late, committed)
    assert latency_of(10, Sent(9.9, 0.5), matched, warm_up_s=5) == Latency(
        10, Sent(9.9, 0.5), Percentiles(40, 40, 40), Percentiles(700, 700, 700)
    )

"""Rates of counters and quantiles of histograms."""

import pytest

from gateway.pipeline.samples import KEPT_S, WINDOW_S, Rates, Samples, quantile


def test_a_rate_covers_the_window_and_survives_a_restart() -> None:
    rates = Rates()
    assert rates.per_second("a", 10, 0) is None
    assert rates.per_second("a", 30, 10) == 2.0
    assert rates.per_second("a", 30, 10 + WINDOW_S) == 0.0
    assert rates.per_second("a", 5, 50) is None  # it began anew
    assert rates.per_second("a", 15, 60) == 1.0
    assert rates.per_second("a", None, 61) is None


def test_counters_of_processes_that_have_ended_are_forgotten() -> None:
    rates = Rates()
    for number in range(1000):
        assert rates.per_second(("job", number), 1, number * WINDOW_S) is None
    assert len(rates) <= 1 + KEPT_S / WINDOW_S


@pytest.mark.parametrize(("share", "expected"), [(0.5, 1.0), (0.75, 1.5), (1.0, 2.0)])
def test_a_quantile_is_interpolated_within_its_bucket(share: float, expected: float) -> None:
    buckets = {1.0: 2.0, 2.0: 4.0, float("inf"): 4.0}
    assert quantile(buckets, share) == pytest.approx(expected)


def test_a_quantile_beyond_the_last_bound_is_that_bound() -> None:
    assert quantile({1.0: 0.0, float("inf"): 3.0}, 0.5) == 1.0
    assert quantile({1.0: 0.0, float("inf"): 0.0}, 0.5) is None
    assert quantile({}, 0.5) is None


def test_samples_add_up_over_labels() -> None:
    samples = Samples('# TYPE a counter\na_total{x="1"} 2\na_total{x="2"} 3\n')
    assert (samples.total("a_total"), samples.largest("a_total"), samples.total("b")) == (5.0, 3.0, None)

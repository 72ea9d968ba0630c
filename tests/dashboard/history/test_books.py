"""Windows, statistics and returns of a book, over rows that the test wrote."""

from datetime import timedelta

import pytest

from dashboard.history import books
from dashboard.history.database import History, HistoryError, Span
from tests.dashboard.rows import BOOK, START, insert, metrics, state, window

SPAN = Span(START, START + timedelta(minutes=10))


def test_books_are_those_with_metrics(history: History, writer: str) -> None:
    assert books.books(history) == []
    insert(writer, "orderbook_metrics", metrics([0], [0.1], [100.0]))
    assert books.books(history) == [BOOK]


@pytest.mark.parametrize(("minutes", "size"), [(15, "1s"), (16, "10s"), (180, "10s"), (181, "1m")])
def test_the_span_chooses_the_window_size(minutes: int, size: str) -> None:
    assert books.window_size(Span(START, START + timedelta(minutes=minutes))) == size


def test_windows_of_one_size_begin_in_the_span_and_do_not_overlap(history: History, writer: str) -> None:
    seconds = [-1, *range(12), 600]
    insert(writer, "orderbook_windows", [window(second, "10s", spread_bps_mean=float(second)) for second in seconds])
    insert(writer, "orderbook_windows", [window(0, "1s")])
    found = books.windows(history, BOOK, SPAN, "10s")
    assert list(found["time"]) == [START, START + timedelta(seconds=10)]
    assert list(found["spread_bps_mean"]) == [0.0, 10.0] and str(found["time"].dt.tz) == "UTC"


def test_statistics_are_of_every_window_in_the_span(history: History, writer: str) -> None:
    rows = [window(second, "1s", spread_bps_mean=float(second), updates=second) for second in range(1, 102)]
    insert(writer, "orderbook_windows", rows)
    found = books.window_statistics(history, BOOK, SPAN, "1s").set_index("metric")
    spread = found.loc["spread_bps"]
    assert (spread["windows"], spread["mean"], spread["median"], spread["low"], spread["high"]) == (101, 51, 51, 1, 101)
    assert (spread["p5"], spread["p95"]) == (6, 96) and spread["deviation"] == pytest.approx(29.3, abs=0.01)
    assert list(found.index)[0] == "imbalance" and found.loc["bid_depth", "windows"] == 0


def test_returns_follow_the_imbalance_before_them(history: History, writer: str) -> None:
    """A bid-heavy second is followed by a rise of 1 bp within two seconds, an ask-heavy one by a fall."""
    imbalances = [0.6, 0.6, 0.0, -0.6, -0.6, 0.0, 0.0]
    mids = [10_000.0, 10_000.0, 10_001.0, 10_001.0, 10_001.0, 10_000.0, 10_000.0]
    insert(writer, "orderbook_metrics", metrics(range(7), imbalances, mids))
    found = books.returns_by_imbalance(history, BOOK, SPAN, 2).set_index("imbalance_from")
    assert list(found.index) == [-0.6, 0.0, 0.6] and list(found["seconds"]) == [2, 1, 2]
    assert found.loc[0.6, "return_bps"] == pytest.approx(1.0) and found.loc[0.6, "up"] == 1.0
    assert found.loc[-0.6, "return_bps"] == pytest.approx(-0.99990001) and found.loc[-0.6, "down"] == 1.0
    assert found.loc[0.0, "return_bps"] == 0.0


def test_a_quiet_second_has_the_mid_before_it_and_the_last_seconds_have_no_return(
    history: History, writer: str
) -> None:
    insert(writer, "orderbook_metrics", metrics([0, 1, 4], [0.5, 0.1, 0.9], [100.0, 101.0, 50.0]))
    found = books.returns_by_imbalance(history, BOOK, SPAN, 3).set_index("imbalance_from")
    assert found["seconds"].to_dict() == {0.0: 1, 0.4: 1}
    assert found.loc[0.4, "return_bps"] == pytest.approx(100.0) and found.loc[0.0, "return_bps"] < -5000


def test_a_lost_stream_within_the_horizon_gives_no_return(history: History, writer: str) -> None:
    insert(writer, "orderbook_metrics", metrics(range(20), [0.5] * 20, [100.0] * 20))
    insert(writer, "book_states", [state(0, "synced"), state(10, "gap"), state(11, "synced")])
    assert list(books.returns_by_imbalance(history, BOOK, SPAN, 2)["seconds"]) == [18 - 3]


def test_correlation_is_given_for_each_horizon(history: History, writer: str) -> None:
    imbalances, mids, mid = [], [], 100.0
    for second in range(40):
        imbalances.append((-1) ** (second // 4) * 0.5)
        mids.append(mid)
        mid *= 1 + imbalances[-1] / 1000
    insert(writer, "orderbook_metrics", metrics(range(40), imbalances, mids))
    found = books.imbalance_correlations(history, BOOK, SPAN, (1, 8)).set_index("horizon_s")
    assert found.loc[1, "correlation"] == pytest.approx(1.0) and abs(found.loc[8, "correlation"]) < 0.5
    assert found["seconds"].to_dict() == {1: 39, 8: 32}


def test_values_are_parameters_and_no_text_of_the_query(history: History, writer: str) -> None:
    insert(writer, "orderbook_windows", [window(0, "1s")])
    assert books.windows(history, ("kraken", "' OR true --"), SPAN, "1s").empty


def test_the_reading_role_changes_nothing(history: History) -> None:
    with pytest.raises(HistoryError, match="cannot execute DELETE in a read-only transaction"):
        history.frame("DELETE FROM book_states")


def test_a_database_that_is_away_is_named_in_one_line() -> None:
    with pytest.raises(HistoryError, match="^the database does not answer: [^\n]*refused"):
        History("postgresql://reader@127.0.0.1:1/depthflow").frame("SELECT 1")


def test_a_query_that_takes_too_long_asks_for_a_shorter_span(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.history.database.OPTIONS", "-c statement_timeout=20")
    with pytest.raises(HistoryError, match="choose a shorter span"):
        history.frame("SELECT pg_sleep(5)")

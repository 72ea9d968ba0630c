"""Every query of `sql/queries/` over hand-written rows, all in one bounded job.

BTCUSDT (s)   0.0 mid 100, imbalance .6 | 1.0 101, .1 | 2.0 102, -.7 | 61.0 104, -.2
ETHUSDT (s)   0.5 mid 10 | 1.5 10 | 2.5 10.1 | 3.5 10.2: the moves of BTCUSDT, a second later
"""

from datetime import datetime
from typing import Any

import pytest

from jobs.queries import QueryError, queries, query
from jobs.sql_session import relations
from tests.flink import Row, query_rows

NOON = 1767268800000


def record(symbol: str, ms: int, price: float, imbalance: float | None = 0.0, **values: object) -> Row:
    book = {"best_bid": price - 1, "best_bid_size": 2.0, "best_ask": price + 1, "best_ask_size": 3.0, "spread": 2.0}
    fixed = {"venue": "binance", "symbol": symbol, "event_time": NOON + ms, "update_id": ms, "mid": price, "flags": []}
    metrics = {"imbalance": imbalance, "weighted_imbalance": imbalance, "microprice": price, "ofi": 1.0}
    depths = {"bid_depth": 10.0, "ask_depth": 20.0, "spread_bps": 2e4 / price}
    return fixed | book | metrics | depths | values


def trade(ms: int, price: float, size: float, side: str) -> Row:
    fixed = {"venue": "binance", "symbol": "BTCUSDT", "event_time": NOON + ms, "trade_id": str(ms)}
    return fixed | {"price": price, "size": size, "side": side}


def status(venue: str, symbol: str, s: int, state: str, reason: str = "", offset: int = 0) -> Row:
    fixed = {"venue": venue, "symbol": symbol, "event_time": NOON + 1000 * s, "record_offset": offset}
    return fixed | {"state": state, "reason": reason}


def alert(rule: str, symbol: str, episode: int, phase: str, severity: str) -> Row:
    fixed = {"venue": "binance", "symbol": symbol, "rule": rule, "episode": NOON + episode, "phase": phase}
    return fixed | {"id": f"{rule}|{symbol}|{episode}|{phase}", "severity": severity, "event_time": NOON + episode}


def book(ms: int, bids: list[list[float]], asks: list[list[float]]) -> Row:
    fixed = {"venue": "binance", "symbol": "BTCUSDT", "event_time": NOON + ms, "update_id": ms}
    return fixed | {"bids": bids, "asks": asks}


def expiry(ms: int, day: str, **values: object) -> Row:
    expires = int(datetime.fromisoformat(f"{day}T08:00:00+00:00").timestamp() * 1000)
    fixed = {"venue": "deribit", "underlying": "BTC", "expiry": expires, "event_time": NOON + ms, "forward": 100.0}
    return fixed | {"years": 0.1, "atm_iv": 0.5, "pcr_open_interest": 0.8, "max_pain": 98.0} | values


def option(ms: int, strike: float, open_interest: float | None, build_up: str = "neutral") -> Row:
    fixed = {"venue": "deribit", "underlying": "BTC", "event_time": NOON + ms, "strike": strike, "kind": "call"}
    return fixed | {"instrument": f"BTC-26JUN26-{strike:.0f}-C", "open_interest": open_interest, "build_up": build_up}


INPUTS = {
    "processed": [
        record("BTCUSDT", 1000, 101.0, 0.1, bid_depth=30.0),  # out of order
        record("BTCUSDT", 0, 100.0, 0.6),
        record("BTCUSDT", 2000, 102.0, -0.7),
        record("BTCUSDT", 61000, 104.0, -0.2),
        *(record("ETHUSDT", ms, price) for ms, price in ((500, 10.0), (1500, 10.0), (2500, 10.1), (3500, 10.2))),
        record("ONESIDED", 0, 5.0, 1.0, flags=["one_sided"]),
        record("ONESIDED", 100, 5.0, -1.0, flags=["one_sided"]),
        record("EMPTY", 0, 5.0, None, mid=None, spread_bps=None),
        "not JSON",
    ],
    "trades": [
        trade(500, 100.0, 1.0, "buy"),
        trade(900, 103.0, 2.0, "sell"),
        trade(61000, 104.0, 4.0, "buy"),
        trade(61500, 104.0, 0.0, "buy"),
    ],
    "statuses": [
        status("binance", "BTCUSDT", 0, "synced"),
        status("binance", "BTCUSDT", 10, "gap", "u"),
        status("binance", "BTCUSDT", 20, "stale", "silence"),
        status("binance", "BTCUSDT", 25, "synced"),
        status("binance", "BTCUSDT", 30, "gap", "U"),
        status("binance", "BTCUSDT", 32, "synced"),
        status("kraken", "BTC/USD", 1, "untrusted", "checksum"),
        status("binance", "ETHUSDT", 40, "synced", offset=2),  # at the time of its gap
        status("binance", "ETHUSDT", 40, "gap", "U", offset=1),
    ],
    "alert_records": [
        alert("extreme_imbalance", "BTCUSDT", 1000, "enter", "medium"),
        alert("extreme_imbalance", "BTCUSDT", 1000, "enter", "medium"),  # written twice, as after a failure
        alert("extreme_imbalance", "BTCUSDT", 1000, "escalate", "high"),
        alert("extreme_imbalance", "BTCUSDT", 1000, "exit", "high"),
        alert("extreme_imbalance", "ETHUSDT", 2000, "enter", "high"),
        alert("book_stale", "BTCUSDT", 3000, "enter", "medium"),
    ],
    "books": [
        book(1000, [[99.0, 1.0]], [[101.0, 1.0]]),
        book(2000, [[100.0, 2.0], [99.0, 0.5]], [[102.0, 4.0], [103.0, 1.5], [104.0, 9.0]]),
    ],
    "window_records": [
        {"venue": "binance", "symbol": "BTCUSDT", "size": size, "window_start": NOON + ms, "updates": ms}
        | {"imbalance_twa": 0.25, "imbalance_low": -0.5, "imbalance_high": 0.5, "out_of_sync": 0.0}
        for size, ms in (("1m", 0), ("1m", 60000), ("1s", 0))
    ],
    "option_chains": [
        expiry(1000, "2026-01-02"),  # has expired
        expiry(1000, "2026-06-26", max_pain=97.0),
        expiry(2000, "2026-06-26", pcr_open_interest=0.9),
        expiry(61000, "2026-06-26", atm_iv=0.6, max_pain=101.0),
        expiry(61000, "2026-03-27", atm_iv=0.4),
    ],
    "option_surfaces": [
        *(option(ms, 100, oi, "long_build_up") for ms, oi in ((0, 5.0), (1_000_000, 20.0), (3_700_000, 30.0))),
        *(option(ms, 110, oi) for ms, oi in ((200_000, 50.0), (3_700_000, 35.0))),
        option(3_700_000, 120, 7.0),
        option(3_700_000, 130, None),
    ],
}  # fmt: skip
PARAMETERS = {
    "top_imbalance": ["top=2"],
    "spread_league": [],
    "flips": [],
    "vwap_against_mid": [],
    "depth_by_minute": [],
    "longest_out_of_sync": [],
    "alert_counts": [],
    "lead_lag": ["lags=1"],
    "replay": ["until=2026-01-01T12:00:02Z", "seconds=2"],
    "book_at": ["levels=2"],
    "trade_flow": [],
    "window_history": [],
    "term_structure": [],
    "positioning_history": ["expires=2026-06-26"],
    "build_ups": ["top=3"],
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    texts = {name: query(name).text(given) for name, given in PARAMETERS.items()}
    texts["book_before"] = query("book_at").text(["at=2026-01-01T12:00:01.500", "levels=1"])
    texts["flips_in_an_hour"] = query("flips").text(["within_s=3600"])
    texts["replay_of_newest"] = query("replay").text(["seconds=1"])
    needed = [name for name in relations("\n".join(texts.values())) if name.startswith("views/")]
    return query_rows(texts, INPUTS, needed, tmp_path_factory.mktemp("queries"))


def columns(rows: list[Row], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row.get(name) for name in names) for row in rows]


def test_every_query_is_tested() -> None:
    assert PARAMETERS.keys() == queries().keys()


def test_the_newest_record_of_every_book_by_the_size_of_its_imbalance(results: dict[str, list[Row]]) -> None:
    assert columns(results["top_imbalance"], "symbol", "imbalance", "event_ts") == [
        ("ONESIDED", -1.0, "2026-01-01 12:00:00.1Z"),
        ("BTCUSDT", -0.2, "2026-01-01 12:01:01Z"),
    ]


def test_the_league_begins_with_the_tightest(results: dict[str, list[Row]]) -> None:
    found = columns(results["spread_league"], "symbol", "updates", "median_bps", "widest_bps")
    assert found[0] == ("BTCUSDT", 4, pytest.approx((2e4 / 101 + 2e4 / 102) / 2, abs=1e-3), 200.0)
    assert [row[0] for row in found] == ["BTCUSDT", "ETHUSDT", "ONESIDED"]


def test_a_flip_is_strong_twice_and_not_of_a_one_sided_book(results: dict[str, list[Row]]) -> None:
    assert columns(results["flips"], "symbol", "flipped_at", "was", "became", "took_ms") == [
        ("BTCUSDT", "2026-01-01 12:00:02Z", 0.6, -0.7, 2000)
    ]
    assert results["flips_in_an_hour"] == results["flips"]


def test_vwap_against_the_mean_mid_of_its_minute(results: dict[str, list[Row]]) -> None:
    assert columns(results["vwap_against_mid"], "minute", "trades", "vwap", "mid", "vwap_over_mid_bps") == [
        ("2026-01-01 12:00:00Z", 2, 102.0, 101.0, pytest.approx(99.01)),
        ("2026-01-01 12:01:00Z", 1, 104.0, 104.0, 0.0),
    ]


def test_depth_of_each_side_by_the_minute(results: dict[str, list[Row]]) -> None:
    names = ("minute", "updates", "bid_depth", "ask_depth", "min_bid_depth")
    assert columns(results["depth_by_minute"], *names) == [
        ("2026-01-01 12:00:00Z", 3, pytest.approx(50 / 3, abs=1e-4), 20.0, 10.0),
        ("2026-01-01 12:01:00Z", 1, 10.0, 20.0, 10.0),
    ]


def test_outages_last_until_the_book_is_back_or_up_to_the_newest_record(results: dict[str, list[Row]]) -> None:
    assert columns(results["longest_out_of_sync"], "symbol", "lost_at", "back_at", "out_s", "reason") == [
        ("BTC/USD", "2026-01-01 12:00:01Z", None, 60, "checksum"),
        ("BTCUSDT", "2026-01-01 12:00:10Z", "2026-01-01 12:00:25Z", 15, "u"),
        ("BTCUSDT", "2026-01-01 12:00:30Z", "2026-01-01 12:00:32Z", 2, "U"),
        ("ETHUSDT", "2026-01-01 12:00:40Z", "2026-01-01 12:00:40Z", 0, "U"),
    ]


def test_alerts_are_counted_by_their_id(results: dict[str, list[Row]]) -> None:
    assert columns(results["alert_counts"], "rule", "alerts", "high", "books", "newest") == [
        ("extreme_imbalance", 2, 2, 2, "2026-01-01 12:00:02Z"),
        ("book_stale", 1, 0, 1, "2026-01-01 12:00:03Z"),
    ]


def test_the_follower_repeats_the_leader_a_second_later(results: dict[str, list[Row]]) -> None:
    found = columns(results["lead_lag"], "lag_s", "pairs", "correlation")
    assert found == [(-1, 1, None), (0, 2, pytest.approx(-1.0)), (1, 2, pytest.approx(1.0))]


def test_a_replay_has_the_records_of_the_time_range_in_order(results: dict[str, list[Row]]) -> None:
    assert columns(results["replay"], "update_id", "best_bid", "imbalance") == [(1000, 100.0, 0.1), (2000, 101.0, -0.7)]
    assert columns(results["replay_of_newest"], "update_id") == [(61000,)]


def test_a_book_is_a_ladder_with_cumulative_sizes(results: dict[str, list[Row]]) -> None:
    assert columns(results["book_at"], "side", "level", "price", "size", "cumulative_size") == [
        ("ask", 2, 103.0, 1.5, 5.5),
        ("ask", 1, 102.0, 4.0, 4.0),
        ("bid", 1, 100.0, 2.0, 2.0),
        ("bid", 2, 99.0, 0.5, 2.5),
    ]
    assert columns(results["book_before"], "side", "price") == [("ask", 101.0), ("bid", 99.0)]


def test_trade_flow_is_cumulative(results: dict[str, list[Row]]) -> None:
    assert columns(results["trade_flow"], "trades", "bought", "sold", "cvd") == [
        (2, 1.0, 2.0, -1.0),
        (1, 4.0, 0.0, 3.0),
    ]


def test_windows_of_one_size_the_newest_first(results: dict[str, list[Row]]) -> None:
    assert columns(results["window_history"], "start_ts", "updates", "imbalance") == [
        ("2026-01-01 12:01:00Z", 60000, 0.25),
        ("2026-01-01 12:00:00Z", 0, 0.25),
    ]


@pytest.mark.parametrize(
    ("assignment", "text"),
    [
        ("top", "'top': expected NAME=VALUE"),
        ("rows=3", "unknown parameter 'rows' of query replay; expected one of symbol, venue, until, seconds, top"),
        ("seconds=soon", "seconds=soon: expected an integer above 0, such as 10"),
        ("top=-1", "top=-1: expected an integer above 0, such as 500"),
        ("until=noon", "until=noon: expected newest, or a time such as 2026-01-01T12:00:00 .UTC without a zone."),
    ],
)  # fmt: skip
def test_an_invalid_parameter_is_refused_with_the_valid_ones(assignment: str, text: str) -> None:
    with pytest.raises(QueryError, match=f"^{text}$"):
        query("replay").text([assignment])


def test_an_unknown_query_is_refused_with_the_known_names() -> None:
    with pytest.raises(QueryError, match="^unknown query 'top'; expected one of alert_counts, book_at, build_ups"):
        query("top")


def test_text_is_quoted_and_times_have_zones() -> None:
    assert "symbol = 'a''b'" in query("replay").text(["symbol=a'b"])
    assert "CAST(1767268800000 AS BIGINT)" in query("replay").text(["until=2026-01-01T13:00:00+01:00"])


def test_the_term_structure_is_of_the_newest_second(results: dict[str, list[Row]]) -> None:
    assert columns(results["term_structure"], "expires", "atm_iv", "days") == [
        ("2026-03-27", 0.4, 36.5),
        ("2026-06-26", 0.6, 36.5),
    ]


def test_positioning_has_the_last_values_of_each_minute(results: dict[str, list[Row]]) -> None:
    found = columns(results["positioning_history"], "minute_ts", "pcr_open_interest", "max_pain", "distance")
    assert found == [("2026-01-01 12:01:00Z", 0.8, 101.0, 0.01), ("2026-01-01 12:00:00Z", 0.9, 98.0, -0.02)]


def test_open_interest_is_compared_with_that_of_an_hour_before(results: dict[str, list[Row]]) -> None:
    assert columns(results["build_ups"], "instrument", "open_interest_change", "build_up") == [
        ("BTC-26JUN26-110-C", -15.0, "neutral"),
        ("BTC-26JUN26-100-C", 10.0, "long_build_up"),
        ("BTC-26JUN26-120-C", 0.0, "neutral"),
    ]

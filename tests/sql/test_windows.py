"""Windows of books and bars of trades, from rows written by hand (and drawn ones, integrated another way).

RECORDS (s)   0.1 .5 | 0.6 -.5 | 0.55 .1 (out of order) | 1.5 .2 | 5.0 .3 | 64.0 .0
STATES  (s)   8.0 gap, back with the record at 64.0; of a chain: 1.5 synced | 8.2 stale, 8.7 synced
"""

import random
from base64 import b64encode

import pytest

from tests.flink import Row, rows_of

NOON = 1767268800000
VIEWS = ("windows", "metrics_1s", "trades_1s", "trades_1m")
RELATIONS = (
    "functions/standing",
    *(f"views/{name}" for name in ("good_records", "last_records", "metrics_1s")),
    *(f"views/{name}" for name in ("book_moments", "book_ticks", "book_seconds", "standing_seconds")),
    *(f"views/{name}" for name in ("sums_1s", "sums_10s", "sums_1m", "windows")),
    *(f"views/{name}" for name in ("good_trades", "trades_1s", "trades_1m")),
)


def record(ms: int, imbalance: float | None, symbol: str = "HAND", spread: float | None = 2.0) -> Row:
    values = {"imbalance": imbalance, "weighted_imbalance": imbalance, "spread": spread, "spread_bps": spread}
    sizes = {"bid_depth": 1.0, "ask_depth": 3.0, "ofi": 0.5, "microprice": 100.0 + ms}
    return {"venue": "kraken", "symbol": symbol, "event_time": NOON + ms, "update_id": ms} | values | sizes


def said(ms: int, *batch: int | str) -> Row:
    """A record of the metrics' own second, with the times of its batch (ms after noon) as its headers, or none."""
    texts = [str(NOON + time) if isinstance(time, int) else time for time in batch]
    headers = {name: b64encode(text.encode()).decode() for name, text in zip(("since", "until"), texts, strict=False)}
    return record(ms, 0.1, "SAID") | {"levels_bid": 5, "levels_ask": 5, "depth": 10, "headers": headers}


def trade(ms: int, price: float, size: float, side: str) -> Row:
    return {
        "venue": "kraken", "symbol": "HAND", "event_time": NOON + ms, "trade_id": str(ms), "price": price, "size": size,
        "side": side,
    }  # fmt: skip


HAND = [(100, 0.5), (600, -0.5), (550, 0.1), (1500, 0.2), (5000, 0.3), (64000, 0.0)]
draw = random.Random(5)
DRAWN = sorted({draw.randrange(0, 30_000): draw.uniform(-1, 1) for _ in range(200)}.items())
SAID = [
    *(said(ms, 31_000, 31_900) for ms in (31_000, 31_900, 31_500)),  # of one second; they come in any order
    *(said(ms, 32_100, 33_200) for ms in (32_100, 32_400, 33_200)),  # of two seconds
    said(34_000, 34_000, 34_900),  # whose last never comes
    said(35_000),
    said(35_300, "soon", "later"),  # nobody's
]
AHEAD = record(3_000_000, 0.9, "AHEAD") | {"recv_us": NOON * 1000}  # by fifty minutes of when it was received
RECORDS = [
    AHEAD,
    *(record(ms, value, "DRAWN") for ms, value in DRAWN if ms < 100),
    *(record(ms, value) for ms, value in HAND[:-1]),
    *(record(ms, value, "DRAWN") for ms, value in DRAWN if ms > 5000),
    *SAID,
    *(record(ms, value) for ms, value in HAND[-1:]),
    "not JSON",
    '{"venue": null, "symbol": "HAND", "event_time": null}',
]
COUNTED = [(ms, value) for ms, value in DRAWN if ms < 100 or ms > 5000]
STATES = [
    {"venue": venue, "symbol": symbol, "event_time": NOON + ms, "state": state, "reason": "said"}
    for ms, venue, symbol, state in (
        (1500, "deribit", "CHAIN", "synced"),
        (8000, "kraken", "HAND", "gap"),
        (8200, "deribit", "CHAIN", "stale"),
        (8700, "deribit", "CHAIN", "synced"),
    )
]
TRADES = [
    trade(3_000_000, 10.0, 1.0, "buy") | {"symbol": "AHEAD", "recv_us": NOON * 1000},
    trade(0, 10.0, 1.0, "buy"),
    trade(900, 12.0, 2.0, "sell"),
    trade(300, 9.0, 1.0, "buy"),
    trade(1000, 11.0, 4.0, "buy"),
    trade(61000, 20.0, 1.0, "sell"),
    trade(61001, -1.0, 1.0, "buy"),  # no price
]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    inputs = {"processed": RECORDS, "statuses": STATES, "trades": TRADES}
    return rows_of(VIEWS, inputs, RELATIONS, tmp_path_factory.mktemp("windows"))


def window(rows: dict[str, list[Row]], size: str, start: str, symbol: str = "HAND") -> Row:
    wanted = (size, f"2026-01-01 {start}", symbol)
    (found,) = [row for row in rows["windows"] if (row["size"], row["window_start"], row["symbol"]) == wanted]
    return found


def test_a_record_from_the_future_makes_no_other_late(rows: dict[str, list[Row]]) -> None:
    assert window(rows, "1s", "12:50:00", "AHEAD")["updates"] == 1
    assert window(rows, "1s", "12:00:00")["updates"] == 3


def test_a_second_orders_its_records_by_time(rows: dict[str, list[Row]]) -> None:
    first = window(rows, "1s", "12:00:00")
    assert first | {"size": "1s"} == {
        "venue": "kraken", "symbol": "HAND", "size": "1s", "window_start": "2026-01-01 12:00:00",
        "window_end": "2026-01-01 12:00:01", "updates": 3, "imbalance_open": 0.5, "imbalance_high": 0.5,
        "imbalance_low": -0.5, "imbalance_close": -0.5, "imbalance_mean": pytest.approx(0.1 / 3),
        "imbalance_twa": pytest.approx((0.5 * 450 + 0.1 * 50 - 0.5 * 400) / 900), "weighted_imbalance_open": 0.5,
        "weighted_imbalance_high": 0.5, "weighted_imbalance_low": -0.5, "weighted_imbalance_close": -0.5,
        "weighted_imbalance_mean": pytest.approx(0.1 / 3), "spread_twa": 2.0, "spread_bps_mean": 2.0,
        "bid_depth_mean": 1.0, "ask_depth_mean": 3.0, "ofi_sum": 1.5, "microprice_last": 700.0, "out_of_sync": 0.0,
    }  # fmt: skip


def test_what_stood_when_a_second_began_weighs_until_its_first_record(rows: dict[str, list[Row]]) -> None:
    assert window(rows, "1s", "12:00:01")["imbalance_twa"] == pytest.approx((-0.5 * 500 + 0.2 * 500) / 1000)
    assert window(rows, "1s", "12:00:05")["imbalance_twa"] == pytest.approx(0.3)


def test_ten_seconds_begin_every_second_and_bridge_silent_ones(rows: dict[str, list[Row]]) -> None:
    found = window(rows, "10s", "12:00:00")
    area = 0.5 * 450 + 0.1 * 50 - 0.5 * 900 + 0.2 * 3500 + 0.3 * 3000
    assert (found["updates"], found["imbalance_close"], found["out_of_sync"]) == (5, 0.3, 0.2)
    assert found["imbalance_twa"] == pytest.approx(area / 7900)
    assert window(rows, "10s", "12:00:02")["imbalance_twa"] == pytest.approx((0.2 * 3000 + 0.3 * 3000) / 6000)
    hand = [row for row in rows["windows"] if (row["size"], row["symbol"]) == ("10s", "HAND")]
    assert len(hand) == len({row["window_start"] for row in hand}) == 18 + 10


def test_a_book_out_of_sync_is_a_share_of_the_window_and_no_part_of_a_mean(rows: dict[str, list[Row]]) -> None:
    assert window(rows, "1s", "12:00:08") | {"updates": 0, "imbalance_twa": None, "out_of_sync": 1.0} == window(
        rows, "1s", "12:00:08"
    )
    minute, next_minute = window(rows, "1m", "12:00:00"), window(rows, "1m", "12:01:00")
    assert (minute["out_of_sync"], next_minute["out_of_sync"]) == (pytest.approx(52 / 60), pytest.approx(4 / 60))
    assert (minute["updates"], next_minute["imbalance_twa"]) == (5, 0.0)


def test_what_is_never_updated_is_out_of_sync_until_it_is_synced_and_in_no_other_second(
    rows: dict[str, list[Row]],
) -> None:
    seconds = [row for row in rows["windows"] if (row["symbol"], row["size"]) == ("CHAIN", "1s")]
    assert [(row["window_start"][11:], row["updates"], row["out_of_sync"]) for row in seconds] == [("12:00:08", 0, 0.5)]


@pytest.mark.parametrize(("size", "length"), [("1s", 1), ("10s", 10), ("1m", 60)])
def test_drawn_records_agree_with_a_sum_over_milliseconds(rows: dict[str, list[Row]], size: str, length: int) -> None:
    found = [row for row in rows["windows"] if (row["symbol"], row["size"]) == ("DRAWN", size)]
    assert found
    for row in found:
        minutes, seconds = (int(part) for part in row["window_start"][14:].split(":"))
        begin = (60 * minutes + seconds if row["window_start"][11:13] == "12" else seconds - 60) * 1000
        inside = [value for ms, value in COUNTED if begin <= ms < begin + 1000 * length]
        assert (row["updates"], row["imbalance_high"]) == (len(inside), max(inside))
        assert row["imbalance_mean"] == pytest.approx(sum(inside) / len(inside), abs=1e-9)
        assert row["imbalance_twa"] == pytest.approx(by_the_millisecond(begin, begin + 1000 * length), abs=1e-9)


def by_the_millisecond(begin: int, end: int) -> float:
    """Mean over every millisecond at which a value is known."""
    values = [[value for ms, value in COUNTED if ms <= now][-1:] for now in range(max(begin, COUNTED[0][0]), end)]
    return sum(value for (value,) in values) / len(values)


def test_the_last_record_of_a_second_is_kept_whatever_batches_it_was_said_in(rows: dict[str, list[Row]]) -> None:
    found = {row["second"][17:19]: row["update_id"] for row in rows["metrics_1s"] if row["symbol"] == "SAID"}
    assert found == {"31": 31_900, "32": 32_400, "33": 33_200, "35": 35_300}


def test_trades_of_a_second_and_of_a_minute(rows: dict[str, list[Row]]) -> None:
    seconds = {row["bar_start"][11:]: row for row in rows["trades_1s"] if row["symbol"] == "HAND"}
    assert seconds.keys() == {"12:00:00", "12:00:01", "12:01:01"}
    bar = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 9.0, "volume": 4.0, "notional": 43.0, "vwap": 10.75}
    assert seconds["12:00:00"] == seconds["12:00:00"] | bar | {"signed_volume": 0.0, "trades": 3, "buys": 2}
    minute = {row["bar_start"][11:]: row for row in rows["trades_1m"]}["12:00:00"]
    bar = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 8.0, "notional": 87.0, "vwap": 10.875}
    assert minute == minute | bar | {"signed_volume": 4.0, "trades": 4, "buys": 3}

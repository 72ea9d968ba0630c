"""The engine of one key: repeats, batches, restores, bad records, and a state that does not grow."""

import random
import re
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from market.alerts.engine import AlertEngine
from market.journal_entries import UnknownVersion
from tests.market.alerts.builders import (
    SILENCE_MS,
    alerts,
    book_tick,
    chain,
    engine,
    lost,
    option,
    phases,
    table,
    thresholds,
    trade_tick,
)

HOUR_S = 3600


def market(seed: int, count: int) -> list[bytes]:
    """Ticks of a nervous market, in which every rule of a book is raised."""
    chance, found = random.Random(seed), []
    for number in range(count):
        ms = 100 * number
        depth = chance.choice((2.0, 10.0, 10.0, 40.0))
        values = {"imbalance": chance.uniform(-1, 1), "spread_bps": chance.choice((1.0, 1.0, 5.0))}
        values |= {"bid_depth": depth, "ask_depth": depth, "ofi_1s": chance.gauss(0, 3)}
        found.append(book_tick(ms, **values) if chance.random() < 0.98 else lost(ms, "gap"))
        found.append(trade_tick(ms, chance.randrange(7), chance.randrange(7)))
    return found


def in_batches(values: Sequence[bytes], size: int, restored: bool) -> list[tuple[str, bytes]]:
    made, found = engine(), []
    for first in range(0, len(values), size):
        found += made.apply_all("orderbook.ticks", values[first : first + size]).alerts
        if restored:
            made = AlertEngine.restore("kraken:X", table(), SILENCE_MS, [made.journal().entry])
    return found


def test_alerts_do_not_depend_on_batches_or_restores() -> None:
    values = market(1, 500)
    expected = in_batches(values, 1000, restored=False)
    assert len(expected) > 100
    for size in (1, 7, 1000):
        assert in_batches(values, size, restored=True) == expected


def test_repeats_of_ticks_change_nothing() -> None:
    values = market(2, 300)
    repeated = [value for first in range(0, len(values), 50) for value in values[first : first + 50] * 2]
    assert in_batches(repeated, 100, restored=False) == in_batches(values, 100, restored=False)


def test_numbers_that_restart_with_later_times_are_accepted() -> None:
    values = [book_tick(0, seq=7), book_tick(100, seq=0, imbalance=0.9), book_tick(1100, seq=1, imbalance=0.9)]
    assert phases(alerts(values), "extreme_imbalance") == [("enter", "high", 1100)]


def test_a_tick_that_is_late_counts_at_the_latest_time_known() -> None:
    values = [book_tick(ms, imbalance=0.9, seq=seq) for seq, ms in enumerate((0, 1000, 500, 600))]
    assert phases(alerts(values), "extreme_imbalance") == [("enter", "high", 1000)]


def test_a_clock_that_is_set_back_ends_all_episodes_and_begins_anew() -> None:
    hour = 3_600_000
    values = [book_tick(hour + ms, imbalance=0.9, seq=seq) for seq, ms in enumerate((0, 1000))]
    values += [book_tick(ms, imbalance=0.9, seq=2 + seq) for seq, ms in enumerate((0, 1000))]
    assert phases(alerts(values), "extreme_imbalance") == [
        ("enter", "high", hour + 1000),
        ("exit", "high", hour + 1100),
        ("enter", "high", 1000),
    ]


def test_a_clock_of_trades_that_is_set_back_ends_the_sweep_alone() -> None:
    rules = table(trade_sweep={"cooldown_s": 60.0})
    values = [lost(100_000, "gap"), trade_tick(100_000, 7), msgspec.json.encode(late_trade(100_001))]
    assert phases(alerts(values, rules=rules), "trade_sweep") == [
        ("enter", "medium", 100_000),
        ("exit", "medium", 100_100),
        ("enter", "medium", 0),
    ]
    assert phases(alerts(values, rules=rules), "book_stale") == [("enter", "medium", 100_000)]


def late_trade(seq: int) -> dict[str, object]:
    """A sweep at noon with this number."""
    tick: dict[str, object] = msgspec.json.decode(trade_tick(0, 7))
    return tick | {"seq": seq}


def test_thresholds_that_change_apply_to_the_next_tick() -> None:
    rules = table()
    made = engine(rules=rules)
    assert made.apply_all("orderbook.ticks", [book_tick(0, ofi_1s=3.0)]).alerts == []
    rules.apply("order_flow_burst|*", thresholds(medium=2.0, held_ms=0))
    assert len(made.apply_all("orderbook.ticks", [book_tick(100, ofi_1s=3.0)]).alerts) == 1


@pytest.mark.parametrize("value", [b"{", b'{"kind": "book"}', b'{"kind": "candle"}', None])
def test_a_record_that_cannot_be_read_is_rejected_and_the_others_are_used(value: bytes | None) -> None:
    batch = engine().apply_all("orderbook.ticks", [value, lost(0, "gap")])
    assert [(reject.index, reject.where) for reject in batch.rejects] == [(0, "record")] and len(batch.alerts) == 1


LARGE = str(2**70).encode()


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        ("orderbook.ticks", lost(0, "gap").replace(b'"reason":"', b'"reason":"\xff')),
        (
            "orderbook.ticks",
            lost(0, "gap").replace(b'"flags":[', b'"x":' + b"[" * 9_000 + b"]" * 9_000 + b',"flags":['),
        ),
        ("orderbook.ticks", re.sub(rb'"end":\d+', b'"end":' + LARGE, book_tick(0))),
        ("orderbook.ticks", re.sub(rb'"buy_levels":\d+', b'"buy_levels":' + LARGE, trade_tick(0, 1))),
        ("options.chain", chain(0).replace(b"1767", b"1" + LARGE)),
        ("options.chain", chain(0, expiry=2**62)),
        ("options.surface", option(0, "C", 1.0, 2**62)),
        ("options.surface", option(0, "C", 1.0).replace(b'"C"', b'"\xff"')),
        ("orderbook.status", b'{"event_time":-5,"state":"gap"}'),
    ],
)
def test_a_record_of_any_bytes_is_rejected_and_the_state_can_be_saved(topic: str, value: bytes) -> None:
    made = engine("deribit:BTC")
    assert [reject.index for reject in made.apply_all(topic, [value]).rejects] == [0]
    made.journal()


def test_state_of_another_format_is_refused() -> None:
    entry = msgspec.msgpack.encode([2, None, None])
    with pytest.raises(UnknownVersion, match="^alerts of kraken:X: state has version 2, expected 1$"):
        AlertEngine.restore("kraken:X", table(), SILENCE_MS, [entry])


def sizes(made: AlertEngine, topic: str, seconds: Iterator[list[bytes]]) -> list[int]:
    """Sizes of the saved state at the end of each second."""
    found = []
    for values in seconds:
        assert not made.apply_all(topic, values).rejects
        found.append(len(made.journal().entry))
    return found


def test_the_state_of_a_book_is_small_and_does_not_grow_in_an_hour() -> None:
    values = market(3, 10 * 600)
    found = sizes(engine(), "orderbook.ticks", (values[first : first + 20] for first in range(0, len(values), 20)))
    assert max(found) < 1500
    assert max(found[300:]) < 1.5 * max(found[:300])


def test_the_state_of_a_chain_does_not_grow_after_an_hour() -> None:
    made, chance = engine("deribit:BTC"), random.Random(4)
    seconds = ([chain(second, atm_iv=chance.random())] for second in range(0, 3 * HOUR_S, 5))
    found = sizes(made, "options.chain", seconds)
    assert max(found) == pytest.approx(found[HOUR_S // 5 + 60], rel=0.1) and max(found) < 10_000


def test_options_that_are_delisted_leave_the_state() -> None:
    """Every minute one option is listed and one delisted."""
    minutes = ([option(60 * minute, f"C-{minute - age}", 1.0) for age in range(20)] for minute in range(200))
    found = sizes(engine("deribit:BTC"), "options.surface", minutes)
    assert max(found[30:]) < 1.2 * found[30]


@pytest.mark.parametrize("field", ["implied_move", "atm_iv", "years", "forward"])
@pytest.mark.parametrize("extreme", [5e-324, 1e308])
def test_numbers_at_the_limits_of_a_double_raise_nothing(field: str, extreme: float) -> None:
    made, values = engine("deribit:BTC"), [chain(60 * minute, **{field: extreme}) for minute in range(30)]
    batch = made.apply_all("options.chain", [*values, *(chain(1800 + 60 * minute) for minute in range(30))])
    assert len(batch.rejects) <= 60 and all("expected numbers" in each.reason for each in batch.rejects)

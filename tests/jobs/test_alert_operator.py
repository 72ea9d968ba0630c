"""The operator of the alerts, with state and timers of a fake runtime."""

import json

import msgspec
import pytest
from pyflink.common import Row

from core.records import Alert
from core.topics import DAY_MS
from jobs.alert_operator import AlertOperator, AlertSpec
from jobs.rule_topic import RuleRecords
from tests.fakes import FakeContext
from tests.market.alerts.builders import RULES, SILENCE_MS, book_tick, chain, thresholds

KEY = "kraken:X"
BURST = "order_flow_burst"
SENSITIVE = thresholds(medium=2.0, held_ms=0)
DEAF = thresholds(medium=50.0, high=60.0)
START = 10 * DAY_MS + 5


@pytest.fixture
def context() -> FakeContext:
    context = FakeContext()
    context.key, context.now = KEY, START
    return context


def operator(context: FakeContext, records: RuleRecords | None = None) -> AlertOperator:
    made = AlertOperator(AlertSpec(RULES, records or RuleRecords(), SILENCE_MS), 1024**2, "test.")
    made.open(context)
    return made


def feed(made: AlertOperator, context: FakeContext, *values: bytes | None, topic: str = "orderbook.ticks") -> list[Row]:
    batch = Row(f"test.{topic}", 3, list(values), list(range(100, 100 + len(values))))
    return list(made.process_element(batch, context))


def set_rule(made: AlertOperator, context: FakeContext, key: str, value: bytes | None, offset: int) -> None:
    assert not list(made.process_broadcast_element(Row(key, value, 0, offset), context))


def raised(rows: list[Row]) -> list[tuple[str, str]]:
    found = [msgspec.json.decode(row[2][0], type=Alert) for row in rows if row[0] == "test.orderbook.alerts"]
    return [(alert.rule, alert.phase) for alert in found]


def burst(number: int) -> bytes:
    """A tick whose order flow is above SENSITIVE and below the default."""
    return book_tick(number, ofi_1s=3.0)


def test_an_alert_is_emitted_with_its_topic_and_the_key_of_its_symbol(context: FakeContext) -> None:
    context.key = "deribit:BTC"
    (row,) = feed(operator(context), context, chain(0, pcr_open_interest=2.5), topic="options.chain")
    assert (row[0], row[1]) == ("test.orderbook.alerts", "deribit:BTC-2026-06-26")
    assert json.loads(row[2][0])["id"].startswith("pcr_extreme|deribit|BTC-2026-06-26|")


def test_a_record_that_cannot_be_read_becomes_a_dead_letter_with_its_position(context: FakeContext) -> None:
    (row,) = feed(operator(context), context, book_tick(0), b"{")
    letter = json.loads(row[2][0])
    assert (row[0], row[1], letter["where"]) == ("test.deadletter", KEY, "record")
    assert (letter["topic"], letter["partition"], letter["offset"]) == ("test.orderbook.ticks", 3, 101)


def test_a_restarted_operator_continues_an_episode(context: FakeContext) -> None:
    assert raised(feed(operator(context), context, book_tick(0, imbalance=0.9))) == []
    rows = feed(operator(context), context, book_tick(10_000, imbalance=0.9))
    assert raised(rows) == [("extreme_imbalance", "enter")]


def test_thresholds_of_the_submission_apply_to_the_first_tick(context: FakeContext) -> None:
    made = operator(context, RuleRecords({f"{BURST}|{KEY}": SENSITIVE}, {0: 5}))
    assert raised(feed(made, context, burst(0))) == [(BURST, "enter")]


def test_records_that_the_submission_knew_do_not_pass_by_once_more(context: FakeContext) -> None:
    made = operator(context, RuleRecords({f"{BURST}|*": SENSITIVE}, {0: 5}))
    set_rule(made, context, f"{BURST}|*", DEAF, offset=4)
    assert raised(feed(made, context, burst(0))) == [(BURST, "enter")] and not context.broadcast["rule-changes"]
    set_rule(made, context, f"{BURST}|*", DEAF, offset=5)
    assert raised(feed(made, context, burst(100))) == []  # calm: the cooldown has begun


def test_changes_and_deletions_survive_a_restart(context: FakeContext) -> None:
    known = RuleRecords({f"{BURST}|{KEY}": DEAF}, {0: 1})
    made = operator(context, known)
    set_rule(made, context, f"{BURST}|{KEY}", None, offset=1)
    set_rule(made, context, f"{BURST}|*", SENSITIVE, offset=2)
    assert raised(feed(operator(context, known), context, burst(0))) == [(BURST, "enter")]


def test_a_later_submission_knows_better_than_the_saved_changes(context: FakeContext) -> None:
    set_rule(operator(context), context, f"{BURST}|*", SENSITIVE, offset=0)
    assert raised(feed(operator(context, RuleRecords({}, {0: 2})), context, burst(0))) == []


def test_a_key_has_one_timer_and_is_forgotten_after_a_week_without_a_record(context: FakeContext) -> None:
    made = operator(context)
    feed(made, context, book_tick(0, imbalance=0.9), book_tick(100, imbalance=0.9))
    feed(made, context, book_tick(200, imbalance=0.9))
    assert context.timers == {(KEY, 11 * DAY_MS)}
    for day in range(11, 18):
        assert context.states["alert-journal"].entries[KEY]
        assert not list(made.on_timer(day * DAY_MS, context))
    assert (KEY, 18 * DAY_MS) in context.timers  # at day 17 the week is not over
    list(made.on_timer(18 * DAY_MS, context))
    assert KEY not in context.states["alert-journal"].entries
    assert (KEY, 19 * DAY_MS) not in context.timers
    assert raised(feed(made, context, book_tick(1000, imbalance=0.9))) == []


def test_a_timer_after_a_restart_begins_the_week_anew(context: FakeContext) -> None:
    feed(operator(context), context, book_tick(0))
    restored = operator(context)
    list(restored.on_timer(40 * DAY_MS, context))
    assert context.states["alert-journal"].entries[KEY] and (KEY, 41 * DAY_MS) in context.timers


def alerts_beside(context: FakeContext, made: AlertOperator, gone: str) -> list[tuple[int, str]]:
    """Event time of the tick, and phase, of every alert of a book, after the symbol `gone` had its last ticks."""
    if gone:
        context.key = gone
        feed(made, context, book_tick(0, imbalance=0.9), book_tick(10_000, imbalance=0.9))  # an episode without an end
    context.key, found = KEY, []
    for ms in range(20_000, 140_000, 100):
        rows = feed(made, context, book_tick(ms, imbalance=0.9 if 40_000 <= ms < 60_000 else 0.0))
        found += [(ms, phase) for _, phase in raised(rows)]
    return found


def test_a_delisted_symbol_delays_nobody_and_leaves_the_state(context: FakeContext) -> None:
    made, gone, other = operator(context), "kraken:GONE", FakeContext()
    other.now = START
    found = alerts_beside(context, made, gone)
    assert [phase for _, phase in found] == ["enter", "exit"]
    assert found == alerts_beside(other, operator(other), "")
    for day in range(11, 19):
        context.key, context.now = KEY, day * DAY_MS
        feed(made, context, book_tick(day * DAY_MS))
        for context.key in (gone, KEY):
            assert not list(made.on_timer(day * DAY_MS, context))
    kept = context.states["alert-journal"].entries
    assert gone not in kept and kept[KEY]


def test_an_hour_of_a_thousand_symbols_has_a_flat_state(context: FakeContext) -> None:
    made, sizes = operator(context), []
    for minute in range(60):
        for number in range(1000):
            context.key = f"kraken:S{number}"
            feed(made, context, book_tick(60_000 * minute, imbalance=0.9 * (-1) ** (number + minute)))
        sizes.append(sum(len(entry[-1]) for entry in context.states["alert-journal"].entries.values()))
    assert max(sizes) < 1.1 * sizes[5] < 1000 * 600
    assert len(context.timers) == 1000

import json
from collections import Counter
from itertools import islice

import msgspec
import pytest
from pyflink.common import Row

from ingestion.generator import Generator, Plan
from ingestion.generator.instruments import instrument
from ingestion.generator.market import Shape
from jobs import keeping
from jobs.operators import KeeperOperator
from market.config import KeeperConfig
from market.keeper import open_keeper
from tests.fakes import FakeContext

KEY = "binance:BTCUSDT"
SILENCE_MS = 30_000
OPEN = 1_000_000
ONE_BEAT_LATER = OPEN + 10_000
SILENT_FOR_LONG = OPEN + 50_000


def frames(count: int = 60, shape: Shape | None = None) -> list[bytes]:
    plan = Plan((instrument("binance", "BTCUSDT"),), shape=shape or Shape(), gaps_per_1000=0 if shape else 50)
    return [msgspec.json.encode(envelope) for envelope in islice(Generator(plan), count)]


@pytest.fixture
def context() -> FakeContext:
    context = FakeContext()
    context.key, context.now = KEY, OPEN
    return context


def operator(context: FakeContext, cached: int = 10) -> KeeperOperator:
    made = KeeperOperator(keeping.books(KeeperConfig(), SILENCE_MS), cached, "desk.")
    made.open(context)
    return made


def feed(made: KeeperOperator, context: FakeContext, values: list[bytes | None], key: str = KEY) -> list[Row]:
    context.key = key
    batch = Row("orderbook.raw", 3, values, list(range(100, 100 + len(values))))
    return list(made.process_element(batch, context))


def lines(rows: list[Row], topic: str) -> list[bytes]:
    return [line.encode() for row in rows if row[0] == topic for line in row[2].split("\n")]


def test_every_line_of_the_domain_leaves_on_its_topic_under_its_key(context: FakeContext) -> None:
    values = frames()
    said = open_keeper(KEY, KeeperConfig()).apply_all(values)
    rows = feed(operator(context), context, values)
    assert lines(rows, "desk.orderbook.processed") == said.processed
    assert lines(rows, "desk.trades") == said.trades
    assert lines(rows, "desk.orderbook.status") == said.statuses
    assert {row[1] for row in rows} == {KEY}


def test_a_reject_leaves_as_a_dead_letter_that_says_where_it_lies(context: FakeContext) -> None:
    rows = feed(operator(context), context, [b"{", None])
    first, second = map(json.loads, lines(rows, "desk.deadletter"))
    assert (first["topic"], first["partition"], first["offset"], first["length"]) == ("orderbook.raw", 3, 100, 1)
    assert (first["value_b64"], second["offset"], second["length"]) == ("ew==", 101, 0)


def test_a_restarted_operator_goes_on_from_state_as_if_nothing_had_happened(context: FakeContext) -> None:
    values = frames()
    whole = feed(operator(FakeContext()), FakeContext(), values)
    rows = [row for start in range(0, 60, 7) for row in feed(operator(context), context, values[start : start + 7])]
    for topic in ("desk.orderbook.processed", "desk.trades", "desk.orderbook.status"):
        assert lines(rows, topic) == lines(whole, topic)


def test_an_evicted_book_comes_back_from_state(context: FakeContext) -> None:
    made, other = operator(context, cached=1), "binance:ETHUSDT"
    values = frames()
    rows = feed(made, context, values[:30])
    feed(made, context, [b"{}"], other)
    rows += feed(made, context, values[30:])
    assert lines(rows, "desk.orderbook.processed") == open_keeper(KEY, KeeperConfig()).apply_all(values).processed


def test_what_a_batch_writes_to_state_does_not_grow_with_the_number_of_levels() -> None:
    shallow, deep = (bytes_written(levels, first=200, last=1200) for levels in (200, 5_000))
    assert deep < 2.5 * shallow  # 25 times the levels: the rest is the one rewrite that falls into the window


def bytes_written(levels: int, first: int, last: int) -> int:
    """Bytes that frames `first` to `last` wrote, in batches of ten; the deep book's snapshot came before."""
    context, values = FakeContext(), frames(last, Shape(levels=levels))
    made, before = operator(context), 0
    for start in range(0, last, 10):
        if start == first:
            before = context.states["book-journal"].written
        feed(made, context, values[start : start + 10])
    return context.states["book-journal"].written - before


def test_a_key_has_one_timer_however_many_batches_come(context: FakeContext) -> None:
    made = operator(context)
    for value in frames(20):
        feed(made, context, [value])
    assert context.timers == {(KEY, ONE_BEAT_LATER)}


def test_silence_is_said_once_and_ends_the_timer(context: FakeContext) -> None:
    made = operator(context)
    feed(made, context, frames())
    context.timers.clear()
    status = lines(list(made.on_timer(SILENT_FOR_LONG, context)), "desk.orderbook.status")
    assert [(json.loads(line)["state"], json.loads(line)["reason"]) for line in status] == [("stale", "silence")]
    assert not context.timers


def test_a_timer_that_fires_before_the_silence_is_long_enough_beats_on(context: FakeContext) -> None:
    made = operator(context)
    feed(made, context, frames())
    assert not list(made.on_timer(ONE_BEAT_LATER, context))
    assert (KEY, ONE_BEAT_LATER + 10_000) in context.timers


def test_a_timer_restored_from_a_savepoint_starts_to_listen_anew(context: FakeContext) -> None:
    feed(operator(context), context, frames())
    restored = operator(context)
    assert not list(restored.on_timer(SILENT_FOR_LONG, context))
    assert Counter(key for key, _ in context.timers)[KEY] == 2


@pytest.mark.parametrize("key", ["", "nyse:IBM", "binance:"])
def test_a_key_without_a_known_venue_rejects_and_keeps_no_state(context: FakeContext, key: str) -> None:
    rows = feed(operator(context), context, frames(3), key)
    assert {json.loads(line)["where"] for line in lines(rows, "desk.deadletter")} == {"key"}
    assert not context.states["book-journal"].entries[key]

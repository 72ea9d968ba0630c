"""The operator shell with chains in it; what it shares with books is tested there."""

import json

import pytest
from pyflink.common import Row

from ingestion.generator.chain import ChainShape
from jobs import keeping
from jobs.operators import KeeperOperator
from market.options.batch import ChainConfig
from market.options.keeper import open_chain_keeper
from market.topics import DAY_MS
from tests.fakes import FakeContext
from tests.jobs.chains import chain_values

KEY = "deribit:BTC"
SILENCE_MS = 30_000
OPEN = 1_000_000_000
FLUSH_BEAT = OPEN + 333 - OPEN % 333
ONE_SECOND_LATER = OPEN + 1_000
SILENT_FOR_LONG = OPEN + SILENCE_MS
ONE_DAY_LATER = OPEN + DAY_MS
TOPICS = ("options.chain", "options.surface", "underlying_ticks", "orderbook.status", "deadletter")
VALUES = chain_values("BTC", steps=20, shape=ChainShape(2, 3))


@pytest.fixture
def context() -> FakeContext:
    context = FakeContext()
    context.key, context.now = KEY, OPEN
    return context


def operator(context: FakeContext, cached: int = 10) -> KeeperOperator:
    made = KeeperOperator(keeping.chains(ChainConfig(), SILENCE_MS), cached, "desk.")
    made.open(context)
    return made


def feed(made: KeeperOperator, context: FakeContext, values: list[bytes], key: str = KEY) -> list[Row]:
    context.key = key
    return list(made.process_element(Row("options.raw", 3, values, list(range(100, 100 + len(values)))), context))


def fire(made: KeeperOperator, context: FakeContext, time: int) -> list[Row]:
    """The timer of that moment, all others having gone."""
    context.timers.clear()
    return list(made.on_timer(time, context))


def lines(rows: list[Row], topic: str) -> list[bytes]:
    return [line.encode() for row in rows if row[0] == f"desk.{topic}" for line in row[2].split("\n")]


def said(rows: list[Row]) -> dict[str, list[bytes]]:
    return {topic: lines(rows, topic) for topic in TOPICS}


def states(rows: list[Row]) -> list[str]:
    return [json.loads(line)["state"] for line in lines(rows, "orderbook.status")]


def test_every_line_of_the_domain_leaves_on_its_topic_under_its_key(context: FakeContext) -> None:
    alone = open_chain_keeper(KEY, ChainConfig()).apply_all(VALUES)
    rows = feed(operator(context), context, VALUES)
    assert said(rows) == dict(zip(TOPICS, (alone.chains, alone.surfaces, alone.ticks, [], []), strict=True))
    assert {row[1] for row in rows} == {KEY}
    assert alone.chains


def test_a_long_batch_leaves_in_parts(context: FakeContext) -> None:
    rows = feed(operator(context), context, VALUES)
    assert [row[0] for row in rows].count("desk.options.chain") > 1


def test_a_reject_of_a_later_part_says_where_it_lies(context: FakeContext) -> None:
    values = [*VALUES[:100], b"{", *VALUES[100:]]
    (letter,) = lines(feed(operator(context), context, values), "deadletter")
    assert (json.loads(letter)["offset"], json.loads(letter)["length"]) == (200, 1)


def test_the_last_second_is_said_after_one_of_silence_and_once(context: FakeContext) -> None:
    made = operator(context)
    feed(made, context, VALUES)
    alone = open_chain_keeper(KEY, ChainConfig())
    alone.apply_all(VALUES)
    assert not fire(made, context, FLUSH_BEAT)
    assert context.timers == {(KEY, FLUSH_BEAT + 333)}
    assert lines(fire(made, context, ONE_SECOND_LATER), "options.chain") == alone.flush().chains
    assert not fire(made, context, ONE_SECOND_LATER + 9_000)


def test_silence_is_said_once_and_after_a_day_nothing_is_left(context: FakeContext) -> None:
    made = operator(context)
    feed(made, context, VALUES)
    fire(made, context, ONE_SECOND_LATER)
    assert states(fire(made, context, SILENT_FOR_LONG)) == ["stale"]
    assert not fire(made, context, ONE_DAY_LATER - 1)
    assert context.timers and context.states["chain-journal"].entries[KEY]
    assert not fire(made, context, ONE_DAY_LATER)
    assert not context.timers and not context.states["chain-journal"].entries[KEY]


def test_a_forgotten_chain_begins_anew(context: FakeContext) -> None:
    made = operator(context)
    feed(made, context, VALUES)
    fire(made, context, ONE_DAY_LATER)
    assert said(feed(made, context, VALUES)) == said(feed(operator(FakeContext()), FakeContext(), VALUES))


def test_a_chain_that_is_heard_again_beats_again(context: FakeContext) -> None:
    made = operator(context)
    feed(made, context, VALUES[:30])
    fire(made, context, SILENT_FOR_LONG)
    context.now = SILENT_FOR_LONG + 50_000
    assert states(feed(made, context, VALUES[30:])) == ["synced"]
    assert min(context.timers)[1] <= context.now + 333


def test_a_key_has_one_timer_however_many_batches_come(context: FakeContext) -> None:
    made = operator(context)
    for value in VALUES:
        feed(made, context, [value])
    assert context.timers == {(KEY, FLUSH_BEAT)}


def test_a_restarted_operator_goes_on_from_state_as_if_nothing_had_happened(context: FakeContext) -> None:
    whole = feed(operator(FakeContext()), FakeContext(), VALUES)
    parts = [VALUES[start : start + 17] for start in range(0, len(VALUES), 17)]
    assert said([row for part in parts for row in feed(operator(context), context, part)]) == said(whole)


def test_a_second_that_was_open_at_a_restart_is_closed_by_the_restored_timer(context: FakeContext) -> None:
    feed(operator(context), context, VALUES)
    restored = operator(context)
    assert not fire(restored, context, FLUSH_BEAT)
    assert lines(fire(restored, context, FLUSH_BEAT + 1_000), "options.chain")


@pytest.mark.parametrize("key", ["", "binance:BTC", "deribit:"])
def test_a_key_that_names_no_chain_rejects_and_keeps_no_state(context: FakeContext, key: str) -> None:
    made = operator(context)
    rows = feed(made, context, VALUES[:3], key)
    assert {json.loads(line)["where"] for line in lines(rows, "deadletter")} == {"key"}
    assert not fire(made, context, ONE_DAY_LATER)
    assert not context.states["chain-journal"].entries[key] and not context.timers

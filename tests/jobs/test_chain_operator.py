"""The builder operator with chain builders. test_operators covers its behaviour that books share."""

import json

import pytest
from pyflink.common import Row

from core.topics import DAY_MS
from jobs import builder_specs
from jobs.operators import BuilderOperator
from market.options.chain_batch import ChainConfig
from simulator.generator.chain import ChainShape
from tests.fakes import FakeContext
from tests.jobs.chains import chain_values
from venues.registry import open_chain_builder

KEY = "deribit:BTC"
STALE_AFTER_MS = 30_000
OPEN = 1_000_000_000
FIRST_TIMER = OPEN + 1_000
ONE_SECOND_LATER = OPEN + 1_000
STALE_TIME = OPEN + STALE_AFTER_MS
ONE_DAY_LATER = OPEN + DAY_MS
TOPICS = ("options.chain", "options.surface", "underlying_ticks", "orderbook.status", "deadletter")
VALUES = chain_values("BTC", steps=20, shape=ChainShape(2, 3))


@pytest.fixture
def context() -> FakeContext:
    context = FakeContext()
    context.key, context.now = KEY, OPEN
    return context


def new_operator(context: FakeContext, cache_bytes: int = 1024**3) -> BuilderOperator:
    operator = BuilderOperator(builder_specs.chains(ChainConfig(), STALE_AFTER_MS), cache_bytes, "test.")
    operator.open(context)
    return operator


def feed(operator: BuilderOperator, context: FakeContext, values: list[bytes], key: str = KEY) -> list[Row]:
    context.key = key
    return list(operator.process_element(Row("options.raw", 3, values, list(range(100, 100 + len(values)))), context))


def fire(operator: BuilderOperator, context: FakeContext, time: int) -> list[Row]:
    """Fire the timer of this time; all other timers are removed first."""
    context.timers.clear()
    return list(operator.on_timer(time, context))


def lines(rows: list[Row], topic: str) -> list[bytes]:
    return [line for row in rows if row[0] == f"test.{topic}" for line in row[2]]


def lines_by_topic(rows: list[Row]) -> dict[str, list[bytes]]:
    return {topic: lines(rows, topic) for topic in TOPICS}


def states(rows: list[Row]) -> list[str]:
    return [json.loads(line)["state"] for line in lines(rows, "orderbook.status")]


def test_every_record_of_the_domain_is_written_to_its_topic_with_its_key(context: FakeContext) -> None:
    batch = open_chain_builder(KEY, ChainConfig()).apply_all(VALUES)
    rows = feed(new_operator(context), context, VALUES)
    found = (batch.chains, batch.surfaces, batch.ticks, batch.statuses, [])
    assert lines_by_topic(rows) == dict(zip(TOPICS, found, strict=True))
    assert {row[1] for row in rows} == {KEY}
    assert batch.chains and len(batch.statuses) == 1


def test_a_long_batch_is_written_in_parts(context: FakeContext) -> None:
    rows = feed(new_operator(context), context, VALUES)
    assert [row[0] for row in rows].count("test.options.chain") > 1


def test_a_reject_of_a_later_part_has_its_offset(context: FakeContext) -> None:
    values = [*VALUES[:100], b"{", *VALUES[100:]]
    (letter,) = lines(feed(new_operator(context), context, values), "deadletter")
    assert (json.loads(letter)["offset"], json.loads(letter)["length"]) == (200, 1)


def test_the_last_second_is_emitted_once_after_a_second_without_records(context: FakeContext) -> None:
    operator = new_operator(context)
    feed(operator, context, VALUES)
    builder = open_chain_builder(KEY, ChainConfig())
    builder.apply_all(VALUES)
    assert context.timers == {(KEY, FIRST_TIMER)}
    assert lines(fire(operator, context, FIRST_TIMER), "options.chain") == builder.flush().chains
    assert not fire(operator, context, ONE_SECOND_LATER + 9_000)


def test_an_idle_chain_is_stale_once_and_its_state_is_deleted_after_a_day(context: FakeContext) -> None:
    operator = new_operator(context)
    feed(operator, context, VALUES)
    fire(operator, context, ONE_SECOND_LATER)
    assert states(fire(operator, context, STALE_TIME)) == ["stale"]
    assert context.timers == {(KEY, ONE_DAY_LATER)} and context.states["chain-journal"].entries[KEY]
    assert not fire(operator, context, ONE_DAY_LATER)
    assert not context.timers and not context.states["chain-journal"].entries[KEY]


def test_a_chain_starts_anew_after_its_state_was_deleted(context: FakeContext) -> None:
    operator = new_operator(context)
    feed(operator, context, VALUES)
    fire(operator, context, ONE_DAY_LATER)
    fresh = feed(new_operator(FakeContext()), FakeContext(), VALUES)
    assert lines_by_topic(feed(operator, context, VALUES)) == lines_by_topic(fresh)


def test_a_stale_chain_that_resumes_has_a_timer_again(context: FakeContext) -> None:
    operator = new_operator(context)
    feed(operator, context, VALUES[:30])
    fire(operator, context, STALE_TIME)
    context.now = STALE_TIME + 50_000
    assert states(feed(operator, context, VALUES[30:])) == ["synced"]
    assert context.timers == {(KEY, context.now + 1_000)}


def test_a_key_has_one_timer_for_any_number_of_batches(context: FakeContext) -> None:
    operator = new_operator(context)
    for value in VALUES:
        feed(operator, context, [value])
    assert context.timers == {(KEY, FIRST_TIMER)}


def test_a_restarted_operator_continues_from_state(context: FakeContext) -> None:
    one_batch = feed(new_operator(FakeContext()), FakeContext(), VALUES)
    parts = [VALUES[start : start + 17] for start in range(0, len(VALUES), 17)]
    restarted = [row for part in parts for row in feed(new_operator(context), context, part)]
    assert lines_by_topic(restarted) == lines_by_topic(one_batch)


def test_a_second_that_was_open_at_a_restart_is_closed_by_the_restored_timer(context: FakeContext) -> None:
    feed(new_operator(context), context, VALUES)
    restored = new_operator(context)
    assert not fire(restored, context, FIRST_TIMER)
    assert lines(fire(restored, context, FIRST_TIMER + 1_000), "options.chain")


@pytest.mark.parametrize("key", ["", "binance:BTC", "deribit:"])
def test_an_invalid_key_rejects_everything_and_has_no_state(context: FakeContext, key: str) -> None:
    operator = new_operator(context)
    rows = feed(operator, context, VALUES[:3], key)
    assert {json.loads(line)["where"] for line in lines(rows, "deadletter")} == {"key"}
    assert not fire(operator, context, ONE_DAY_LATER)
    assert not context.states["chain-journal"].entries[key] and not context.timers

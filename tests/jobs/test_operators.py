"""The operator of the books, with state and timers of a fake runtime."""

import gc
import json
import tracemalloc
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from zlib import crc32

import msgspec
import pytest
from pyflink.common import Row

from core.records import Envelope
from jobs import builder_specs
from jobs.keyed_state import StateBackedBuilders
from jobs.operators import BuilderOperator
from market.orderbook.book_config import BookConfig
from market.orderbook.book_side import LEVEL_MEMORY_BYTES
from market.orderbook.builder import BookBuilder
from market.orderbook.quiet_clock import QuietClocks
from simulator.frame_generator import Generator, Plan
from simulator.generator.market import MarketShape
from simulator.registry import instrument
from tests.fakes import FakeContext
from tests.soak import soak
from venues.registry import open_builder

KEY = "binance:BTCUSDT"
STALE_AFTER_MS = 30_000
OPEN = 1_000_000 + crc32(KEY.encode()) % 500  # on the grid of its timers
FIRST_TIMER = OPEN + 500  # publishes ticks
STALE_TIME = OPEN + 50_000


def frames(count: int = 60, shape: MarketShape | None = None) -> list[bytes]:
    plan = Plan((instrument("binance", "BTCUSDT"),), shape=shape or MarketShape(), gaps_per_1000=0 if shape else 50)
    return [msgspec.json.encode(envelope) for envelope in islice(Generator(plan), count)]


@pytest.fixture
def context() -> FakeContext:
    context = FakeContext()
    context.key, context.now = KEY, OPEN
    return context


def operator(context: FakeContext, cache_bytes: int = 1024**2) -> BuilderOperator:
    made = BuilderOperator(builder_specs.books(BookConfig(), STALE_AFTER_MS), cache_bytes, "test.")
    made.open(context)
    return made


def feed(made: BuilderOperator, context: FakeContext, values: list[bytes | None], key: str = KEY) -> list[Row]:
    context.key = key
    batch = Row("orderbook.raw", 3, values, list(range(100, 100 + len(values))))
    return list(made.process_element(batch, context))


def lines(rows: list[Row], topic: str) -> list[bytes]:
    return [line for row in rows if row[0] == topic for line in row[2]]


def test_every_line_of_the_domain_is_emitted_with_its_topic_and_key(context: FakeContext) -> None:
    values = frames()
    expected = open_builder(KEY, BookConfig()).apply_all(values)
    rows = feed(operator(context), context, values)
    assert lines(rows, "test.orderbook.processed") == expected.processed
    assert lines(rows, "test.trades") == expected.trades
    assert lines(rows, "test.orderbook.status") == expected.statuses
    assert {row[1] for row in rows} == {KEY}


def test_a_reject_becomes_a_dead_letter_with_its_position(context: FakeContext) -> None:
    rows = feed(operator(context), context, [b"{", None])
    first, second = map(json.loads, lines(rows, "test.deadletter"))
    assert (first["topic"], first["partition"], first["offset"], first["length"]) == ("orderbook.raw", 3, 100, 1)
    assert (first["value_b64"], second["offset"], second["length"]) == ("ew==", 101, 0)


def test_a_restarted_operator_continues_from_state_with_the_same_output(context: FakeContext) -> None:
    values = frames()
    expected = feed(operator(FakeContext()), FakeContext(), values)
    rows = [row for start in range(0, 60, 7) for row in feed(operator(context), context, values[start : start + 7])]
    for topic in ("test.orderbook.processed", "test.trades", "test.orderbook.status"):
        assert lines(rows, topic) == lines(expected, topic)


def test_an_evicted_book_is_restored_from_state(context: FakeContext) -> None:
    made, other = operator(context, cache_bytes=1), "binance:ETHUSDT"
    values = frames()
    rows = feed(made, context, values[:30])
    feed(made, context, [b"{}"], other)
    rows += feed(made, context, values[30:])
    assert lines(rows, "test.orderbook.processed") == open_builder(KEY, BookConfig()).apply_all(values).processed


@pytest.mark.parametrize("key", [KEY, "kraken:BTC/USD", "deribit:BTC-PERPETUAL"])
def test_the_estimated_size_of_a_builder_is_at_least_its_size_in_memory(key: str) -> None:
    venue, _, symbol = key.partition(":")
    plan = Plan((instrument(venue, symbol),), shape=MarketShape(levels=1000))
    values = [msgspec.json.encode(envelope) for envelope in islice(Generator(plan), 50)]
    gc.collect()
    tracemalloc.start()
    builder = open_builder(key, BookConfig())
    builder.apply_all(values)
    builder.journal()
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 1.5 * builder.memory_bytes and builder.memory_bytes < 3 * size + 100_000


def test_the_cache_is_bounded_by_bytes_with_5000_symbols_of_200_levels() -> None:
    """10,000 books of 0.3 to 1 MB, which the earlier bound allowed, do not fit into a TaskManager."""
    book = open_builder(KEY, BookConfig())
    book.apply_all(frames(10, MarketShape(levels=200)))
    assert book.memory_bytes > 2 * 200 * LEVEL_MEMORY_BYTES
    spec = replace(builder_specs.books(BookConfig(), STALE_AFTER_MS), open=lambda key, entries: book)
    context, limit = FakeContext(), 32 * 1024**2
    builders = StateBackedBuilders(context, spec, limit)
    for number in range(5_000):
        context.key = f"binance:S{number}"
        builders.save(builders.load(context.key))
        assert builders.bytes <= limit
    assert builders.bytes > limit - book.memory_bytes


def test_most_books_stay_decoded_where_a_few_more_than_fit_come_in_turn(context: FakeContext) -> None:
    """Each would be decoded again for each batch if the one that was used longest ago were evicted."""
    opened, book = list[str](), open_builder(KEY, BookConfig())

    def open_book(key: str, entries: Iterable[bytes]) -> BookBuilder:
        opened.append(key)
        return book

    spec = replace(builder_specs.books(BookConfig(), STALE_AFTER_MS), open=open_book)
    symbols, rounds = 500, 10
    builders = StateBackedBuilders(context, spec, symbols * book.memory_bytes * 4 // 5)
    for context.key in [f"binance:S{number}" for number in range(symbols)] * rounds:
        builders.save(builders.load(context.key))
    assert len(opened) < symbols * rounds / 2


@soak
@pytest.mark.timeout(1800)
def test_5000_symbols_of_200_levels_stay_within_the_bytes_of_the_cache(context: FakeContext) -> None:
    """Real books through the operator, each again and again: builders stay within their bound, memory with them."""
    limit, rounds, symbols = 64 * 1024**2, 6, 5_000
    made, before, used = operator(context, limit), resident_bytes(), list[int]()
    values = frames(3 * rounds + 1, MarketShape(levels=200))
    for number in range(rounds):
        batch = values[3 * number : 3 * number + 3 + (number == rounds - 1)]
        for symbol in range(symbols):
            name = f"S{symbol:04d}USDT".encode()
            own = [value.replace(b"BTCUSDT", name).replace(b"btcusdt", name.lower()) for value in batch]
            assert not lines(feed(made, context, [*own], f"binance:{name.decode()}"), "test.deadletter")
            assert made._builders.bytes <= limit
        gc.collect()
        state = sum(len(each) for entries in context.states["book-journal"].entries.values() for each in entries)
        used.append(resident_bytes() - before - state)  # the fake state lies in this process
    print(f"MiB without state by round: {[size // 1024**2 for size in used]}, state {state // 1024**2} MiB")
    assert max(used) < 4 * limit and used[-1] < 1.15 * used[3]


def resident_bytes() -> int:
    """Resident memory of this process."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


def test_a_builder_larger_than_the_cache_is_kept_while_it_is_used(context: FakeContext) -> None:
    builders = StateBackedBuilders(context, builder_specs.books(BookConfig(), STALE_AFTER_MS), 1)
    first = builders.load(KEY)
    builders.save(first)
    assert builders.load(KEY) is first
    context.key = "binance:ETHUSDT"
    builders.save(builders.load(context.key))
    context.key = KEY
    assert builders.load(KEY) is not first
    builders.delete(KEY)
    assert builders.bytes > 0


def test_the_state_written_per_batch_does_not_grow_with_the_number_of_levels() -> None:
    shallow, deep = (bytes_written(levels, first=200, last=1200) for levels in (200, 5_000))
    assert deep < 2.5 * shallow  # 25 times the levels; the difference is one snapshot within the window


def bytes_written(levels: int, first: int, last: int) -> int:
    """Bytes written by frames `first` to `last` in batches of ten; the snapshot of the deep book comes before them."""
    context, values = FakeContext(), frames(last, MarketShape(levels=levels))
    made, before = operator(context), 0
    for start in range(0, last, 10):
        if start == first:
            before = context.states["book-journal"].written
        feed(made, context, values[start : start + 10])
    return context.states["book-journal"].written - before


def test_a_key_has_one_timer_for_any_number_of_batches(context: FakeContext) -> None:
    made = operator(context)
    for value in frames(20):
        feed(made, context, [value])
    assert context.timers == {(KEY, FIRST_TIMER)}


def fire(made: BuilderOperator, context: FakeContext, until: int) -> list[Row]:
    """Output of all timers up to this time."""
    rows: list[Row] = []
    while context.timers and min(context.timers, key=lambda timer: timer[1])[1] <= until:
        timer = min(context.timers, key=lambda timer: timer[1])
        context.timers.remove(timer)
        context.key, context.now = timer
        rows += made.on_timer(context.now, context)
        assert len(context.timers) <= 1
    return rows


def test_an_idle_book_becomes_stale_once_and_has_no_timer_afterwards(context: FakeContext) -> None:
    made = operator(context)
    feed(made, context, frames())
    rows = fire(made, context, OPEN + 100_000)
    status = lines(rows, "test.orderbook.status")
    assert [(json.loads(line)["state"], json.loads(line)["reason"]) for line in status] == [("stale", "silence")]
    ticks = [json.loads(line) for line in lines(rows, "test.orderbook.ticks")]
    assert [tick["state"] for tick in ticks if tick["kind"] == "book"].count("stale") == 31
    assert not context.timers


@pytest.mark.parametrize("value", [b"{", frames(9)[-1]], ids=["rejected", "repeated"])
def test_records_without_effect_do_not_delay_the_status_of_a_book(context: FakeContext, value: bytes) -> None:
    made = operator(context)
    feed(made, context, frames(9))
    for context.now in range(OPEN, STALE_TIME - 1, 1000):
        feed(made, context, [value])
    context.now = STALE_TIME
    assert lines(list(made.on_timer(STALE_TIME, context)), "test.orderbook.status")


@pytest.mark.parametrize("key", [KEY, "binance_usdm:BTCUSDT", "kraken:BTC/USD", "deribit:BTC-PERPETUAL"])
@pytest.mark.parametrize("others", [(), (1, 10_017), (437, 211)], ids=["silent", "few records", "many records"])
def test_a_book_is_stale_exactly_when_its_time_ends(context: FakeContext, key: str, others: tuple[int, int]) -> None:
    """Records that keep no book alive arrive `others[0]` ms after the update, and each `others[1]` ms from there on."""
    made, applied = operator(context), OPEN + 123
    context.now = applied
    feed(made, context, book_frames(key), key)
    times = range(applied + others[0], applied + 2 * STALE_AFTER_MS, others[1]) if others else ()
    rows: list[Row] = []
    for time in times:
        rows += fire(made, context, time)
        context.now = time
        rows += feed(made, context, [b"{"], key)
    rows += fire(made, context, applied + 2 * STALE_AFTER_MS)
    said = [json.loads(line) for line in lines(rows, "test.orderbook.status")]
    assert [(status["reason"], status["event_time"]) for status in said] == [("silence", applied + STALE_AFTER_MS)]


def book_frames(key: str) -> list[bytes]:
    venue, _, symbol = key.partition(":")
    envelopes = islice(Generator(Plan((instrument(venue, symbol),))), 20)
    return [msgspec.json.encode(envelope) for envelope in envelopes if "rade" not in envelope.channel]


def test_a_restored_timer_that_is_overdue_does_not_make_a_book_stale(context: FakeContext) -> None:
    """The records of the outage are still to come."""
    feed(operator(context), context, frames())
    context.now = OPEN + 600_000
    restored = operator(context)
    assert not lines(list(restored.on_timer(FIRST_TIMER, context)), "test.orderbook.status")
    rows = fire(restored, context, context.now + 2 * STALE_AFTER_MS)
    said = [json.loads(line)["event_time"] for line in lines(rows, "test.orderbook.status")]
    assert said == [OPEN + 600_000 + STALE_AFTER_MS]


def test_a_quiet_book_has_its_last_tick_within_a_second_and_a_heartbeat_each_second(context: FakeContext) -> None:
    values, whole = frames(), open_builder(KEY, BookConfig())
    made = operator(context)
    published = lines(feed(made, context, values), "test.orderbook.ticks")
    first = [json.loads(line) for line in lines(fire(made, context, OPEN + 1_000), "test.orderbook.ticks")]
    assert [(tick["kind"], tick["updates"] > 0) for tick in first if tick["kind"] == "book"] == [("book", True)]
    beats = [json.loads(line) for line in lines(fire(made, context, OPEN + 3_500), "test.orderbook.ticks")]
    assert [tick["event_time"] - first[0]["end"] for tick in beats] == [1000, 2000]
    batch = whole.apply_all(values)
    assert published == batch.ticks + batch.trade_ticks


def test_a_quiet_book_has_timers_only_where_something_is_due(context: FakeContext) -> None:
    """It publishes the same at the same times as a builder that is polled at every time of the grid."""
    made, every, clocks = operator(context), open_builder(KEY, BookConfig()), QuietClocks()
    values, published, expected = frames(300, MarketShape()), list[tuple[int, bytes]](), list[tuple[int, bytes]]()
    feed(made, context, values)
    every.apply_all(values)
    for time in range(OPEN + 500, OPEN + 10_000, 500):
        batch = every.poll(time, clocks)
        expected += [(time, line) for line in (*batch.ticks, *batch.trade_ticks, *batch.bars, *batch.windows)]
        if context.timers == {(KEY, time)}:
            rows = fire(made, context, time)
            assert rows or time <= OPEN + 1_000
            published += [(time, bytes(line)) for row in rows for line in row[2]]
    assert sorted(published) == sorted(expected) and {time - OPEN for time, _ in published} > {2_000, 3_000, 9_000}


def test_a_timer_of_a_quiet_key_registers_that_of_its_idle_timeout(context: FakeContext) -> None:
    made = operator(context)
    feed(made, context, [b"{}"], KEY)
    assert context.timers == {(KEY, OPEN + STALE_AFTER_MS)}
    feed(made, context, frames())
    assert context.timers == {(KEY, context.now + 500)}


def test_a_busy_key_has_a_timer_a_second(context: FakeContext) -> None:
    made, times = operator(context), list[int]()
    for number, value in enumerate(frames(600)):
        context.now = OPEN + 10 * number
        feed(made, context, [value])
        times += [time for _, time in context.timers if time not in times]
        fire(made, context, context.now)
    assert [time - OPEN for time in times][-5:] == [2000, 3000, 4000, 5000, 6000]


def test_timers_that_take_all_the_time_of_the_operator_come_less_often(context: FakeContext) -> None:
    seconds = (10.0 * number + half for number in count() for half in (0, 1))  # a timer takes nine of ten
    spec = builder_specs.books(BookConfig(), STALE_AFTER_MS)
    made = BuilderOperator(spec, 1024**2, "test.", lambda: next(seconds))
    made.open(context)
    feed(made, context, frames())
    times = [context.now]
    while len(times) < 40:
        ((_, timer),) = context.timers
        fire(made, context, timer)
        times.append(timer)
    assert times[2] - times[1] == 500 and times[-1] - times[-2] > 1_000


def test_batches_of_a_busy_book_publish_the_ticks_of_its_trades(context: FakeContext) -> None:
    """Its timers are a second apart, and its next trade may be later still."""
    made, values, published = operator(context), frames(300, MarketShape()), list[bytes]()
    for value in values:
        context.now = msgspec.json.decode(value, type=Envelope).recv_us // 1000
        ticks = lines(feed(made, context, [value]), "test.orderbook.ticks")
        trades = [line for line in ticks if b'"kind":"trade"' in line]
        published += trades
        assert all(context.now - json.loads(trade)["recv_us"] // 1000 < 500 for trade in trades)
    batch = open_builder(KEY, BookConfig()).apply_all(values)
    assert published[: len(batch.trade_ticks)] == batch.trade_ticks and len(batch.trade_ticks) > 20


def test_timers_after_a_restart_wait_for_records_that_were_written_before_it(context: FakeContext) -> None:
    feed(operator(context), context, frames())
    restored = operator(context)
    assert not lines(fire(restored, context, OPEN + 10_000), "test.orderbook.ticks")
    assert lines(fire(restored, context, OPEN + 11_500), "test.orderbook.ticks")


def test_a_timer_restored_from_a_savepoint_restarts_the_idle_time(context: FakeContext) -> None:
    feed(operator(context), context, frames())
    restored = operator(context)
    assert not list(restored.on_timer(STALE_TIME, context))
    assert Counter(key for key, _ in context.timers)[KEY] == 2


@pytest.mark.parametrize("key", ["", "nyse:IBM", "binance:"])
def test_a_key_without_a_known_venue_rejects_its_records_and_has_no_state(context: FakeContext, key: str) -> None:
    rows = feed(operator(context), context, frames(3), key)
    assert {json.loads(line)["where"] for line in lines(rows, "test.deadletter")} == {"key"}
    assert not context.states["book-journal"].entries[key]


def test_an_operator_counts_its_batches_by_venue(context: FakeContext) -> None:
    values = frames()
    made = operator(context)
    rows = feed(made, context, [*values, b"{"])
    venue = {name.removeprefix("depthflow.venue.binance."): n for name, n in context.metrics.values.items()}
    assert venue["frames"] == len(values) + 1 and venue["dead_letters"] == 1
    assert venue["applied"] == len(lines(rows, "test.orderbook.processed")) > 0
    list(made.on_timer(STALE_TIME, context))
    assert context.metrics.values["depthflow.venue.binance.stale"] == 1
    assert context.metrics.values["depthflow.venue.binance.out_of_sync"] == 1

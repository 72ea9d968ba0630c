"""The cache operator against a real Valkey: names and payloads of the contract, order of books, outages."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from redis import Redis
from redis.client import PubSub
from redis.exceptions import ConnectionError

from core.records import BookState, Status, TopOfBook, Trade
from jobs.cache import INPUT_TOPICS
from jobs.redis_sink import CacheOperator
from market.cache_messages import NEWEST_ALERTS_SIZE
from tests.conftest import free_ports
from tests.fakes import FakeContext
from tests.valkey import running_valkey

KEY = "binance:BTCUSDT"
LATEST = "orderbook:binance:BTCUSDT:latest"


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def inc(self, by: int = 1) -> None:
        self.count += by


class Context(FakeContext):
    """The fake context with a metric group."""

    def __init__(self, key: str = KEY) -> None:
        super().__init__()
        self.key = key
        self.counters: dict[str, Counter] = {}

    def get_metrics_group(self) -> "Context":
        return self

    def counter(self, name: str) -> Counter:
        return self.counters.setdefault(name, Counter())


@pytest.fixture(scope="module")
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def server(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with running_valkey(port, tmp_path_factory.mktemp("valkey")) as client:
        yield client


@pytest.fixture
def redis(server: Redis) -> Redis:
    server.flushall()
    return server


def opened(port: int, context: Context, patience_s: float = 5) -> CacheOperator:
    operator = CacheOperator(f"redis://127.0.0.1:{port}/0", "", "binance", patience_s)
    operator.open(context)
    return operator


def process(operator: CacheOperator, context: Context, topic: str, *lines: bytes | None) -> list[int]:
    return process_at(operator, context, topic, 0, *lines)


def process_at(operator: CacheOperator, context: Context, topic: str, offset: int, *lines: bytes | None) -> list[int]:
    offsets = list(range(offset, offset + len(lines)))
    return [row[1] for row in operator.process_element((topic, 0, list(lines), offsets), context)]


def record(update_id: int, event_time: int | None = None) -> bytes:
    fields = {"venue": "binance", "symbol": "BTCUSDT", "event_time": event_time or update_id, "update_id": update_id}
    return msgspec.json.encode(fields | {"mid": 100.5, "ofi": None})


def book(update_id: int, event_time: int | None = None) -> bytes:
    levels = [(100.0, float(update_id))], [(101.0, 2.0)]
    return msgspec.json.encode(TopOfBook("binance", "BTCUSDT", event_time or update_id, 1, update_id, *levels))


def stored_id(redis: Redis, key: str = LATEST) -> int | None:
    value = redis.get(key)
    return json.loads(value)["update_id"] if value else None


def received(subscription: PubSub, count: int) -> list[tuple[str, dict[str, object]]]:
    found: list[tuple[str, dict[str, object]]] = []
    until = time.monotonic() + 5
    while len(found) < count and time.monotonic() < until:
        message = subscription.get_message(ignore_subscribe_messages=True, timeout=0.2)
        if message:
            found.append((message["channel"].decode(), json.loads(message["data"])))
    return found


def subscribed(redis: Redis, *channels: str) -> PubSub:
    subscription = redis.pubsub()
    subscription.subscribe(*channels)
    for _ in channels:
        subscription.get_message(timeout=5)
    return subscription


def test_the_newest_book_is_stored_as_its_record_with_its_levels(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    assert process(operator, context, "orderbook.processed", record(1), record(2)) == []
    assert process(operator, context, "orderbook.books", book(2)) == [1]
    expected = json.loads(record(2)) | {"bids": [[100.0, 2.0]], "asks": [[101.0, 2.0]]}
    assert json.loads(redis.get(LATEST) or b"") == json.loads(redis.get("orderbook:BTCUSDT:latest") or b"") == expected


def test_levels_that_arrive_before_their_record_wait_for_it(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    assert process(operator, context, "orderbook.books", book(2)) == []
    process(operator, context, "orderbook.processed", record(1), record(2), record(3))
    assert stored_id(redis) == 2


def test_subscribers_receive_books_and_trades_with_the_fields_of_the_contract(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    names = "orderbook:binance:BTCUSDT", "orderbook:BTCUSDT", "trades:binance:BTCUSDT", "trades:BTCUSDT"
    with subscribed(redis, *names) as subscription:
        process(operator, context, "orderbook.processed", record(7))
        process(operator, context, "orderbook.books", book(7))
        trade = Trade("binance", "BTCUSDT", 9, 9000, "t1", 100.0, 0.5, "sell")
        assert process(operator, context, "trades", msgspec.json.encode(trade)) == [1]
        messages = received(subscription, 4)
    levels = {"bids": [[100.0, 7.0]], "asks": [[101.0, 2.0]]}
    book_message = {"symbol": "BTCUSDT", **levels, "last_update_id": 7, "timestamp": 7}
    sold = {"symbol": "BTCUSDT", "trade_id": "t1", "price": 100.0, "quantity": 0.5, "timestamp": 9}
    trade_message = sold | {"is_buyer_maker": True}
    assert messages == [
        (names[0], book_message),
        (names[1], book_message),
        (names[2], trade_message),
        (names[3], trade_message),
    ]


def test_other_venues_have_no_short_names(redis: Redis, port: int) -> None:
    context = Context("kraken:btc/usd")
    operator = opened(port, context)
    process(operator, context, "orderbook.processed", record(1))
    process(operator, context, "orderbook.books", book(1))
    assert redis.keys() == [b"orderbook:kraken:BTC/USD:latest"]


def test_an_older_book_never_replaces_a_newer_one_even_after_a_replay(redis: Redis, port: int) -> None:
    lines = [(record(n), book(n)) for n in (5, 6, 7)]
    for _ in range(2):  # the second time, the job has lost its state
        context = Context()
        operator = opened(port, context)
        for processed, levels in lines:
            process(operator, context, "orderbook.processed", processed)
            before = stored_id(redis) or 0
            process(operator, context, "orderbook.books", levels)
            assert (stored_id(redis) or 0) >= before
    assert stored_id(redis) == 7
    assert context.counters["redis_publishes_total"].count == 0


def test_restarted_update_ids_are_newer_by_their_time(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    for update_id, event_time in ((900, 1000), (1, 2000)):
        process(operator, context, "orderbook.processed", record(update_id, event_time))
        process(operator, context, "orderbook.books", book(update_id, event_time))
    assert stored_id(redis) == 1


def test_a_restart_between_record_and_levels_loses_neither(redis: Redis, port: int) -> None:
    context = Context()
    process(opened(port, context), context, "orderbook.processed", record(4))
    process(opened(port, context), context, "orderbook.books", book(4))
    assert stored_id(redis) == 4


def test_invalid_lines_are_skipped(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    for topic in INPUT_TOPICS:
        assert process(operator, context, topic.name, b"{", b"[]", b"", None, b"\xff", b'{"venue":"\xff"}') == []
    assert redis.keys() == []


def chain_line(event_time: int, instrument: str | None = None, revision: int = 0) -> bytes:
    named = {"instrument": instrument} if instrument else {}
    placed = {"venue": "deribit", "underlying": "BTC", "expiry": 1_795_766_400_000, "event_time": event_time}
    return msgspec.json.encode(placed | {"revision": revision} | named)


def test_a_chain_is_a_hash_of_its_summary_and_its_options_for_five_minutes(redis: Redis, port: int) -> None:
    context = Context("deribit:BTC")
    operator = opened(port, context)
    assert process(operator, context, "options.chain", chain_line(1), chain_line(2)) == [1]
    legs = [chain_line(2, f"BTC-27NOV26-{strike}-C") for strike in (90, 100)]
    assert process(operator, context, "options.surface", *legs) == [2]
    found = redis.hgetall("chain:BTC:2026-11-27")
    fields = (b"summary", b"BTC-27NOV26-90-C", b"BTC-27NOV26-100-C")
    assert found == dict(zip(fields, (chain_line(2), *legs), strict=True))
    assert 295 <= redis.ttl("chain:BTC:2026-11-27") <= 300
    assert context.counters["redis_publishes_total"].count == 3


def test_an_older_second_of_a_chain_never_replaces_a_newer_one(redis: Redis, port: int) -> None:
    for times in ((5, 7, 6), (1, 2)):  # the second time, the job has lost its state
        context = Context("deribit:BTC")
        operator = opened(port, context)
        for time_ in times:
            process(operator, context, "options.chain", chain_line(time_))
            process(operator, context, "options.surface", chain_line(time_, "A"))
    assert redis.hgetall("chain:BTC:2026-11-27") == {b"summary": chain_line(7), b"A": chain_line(7, "A")}
    redis.expire("chain:BTC:2026-11-27", 100)
    assert process(operator, context, "options.chain", chain_line(6)) == []
    assert redis.ttl("chain:BTC:2026-11-27") <= 100  # a skipped line does not extend the time to live
    assert process(operator, context, "options.chain", chain_line(7, revision=2)) == [1]  # a repeated second
    assert redis.hget("chain:BTC:2026-11-27", "summary") == chain_line(7, revision=2)


def test_each_update_of_a_chain_is_published_with_the_fields_that_it_wrote(redis: Redis, port: int) -> None:
    context = Context("deribit:BTC")
    operator = opened(port, context)
    name = "chain:BTC:2026-11-27"
    with subscribed(redis, name) as subscription:
        process(operator, context, "options.surface", chain_line(2, "A"), chain_line(2, "B"))
        process(operator, context, "options.surface", chain_line(1, "A"), chain_line(3, "B"))
        process(operator, context, "options.surface", chain_line(1, "B"))
        process(operator, context, "options.chain", chain_line(3))
        messages = received(subscription, 3)
    both, newer, summary = [{"A": 2, "B": 2}, {"B": 3}, {"summary": 3}]
    times = [{field: line["event_time"] for field, line in message.items()} for _, message in messages]
    assert times == [both, newer, summary]
    assert [json.loads(line) for line in redis.hmget(name, "A", "B")] == [messages[0][1]["A"], messages[1][1]["B"]]


def tick(event_time: int, price: float = 100.0) -> bytes:
    return msgspec.json.encode(
        {"venue": "deribit", "underlying": "BTC", "event_time": event_time, "index_price": price}
    )


def test_the_newest_second_of_an_underlying_is_stored_and_published(redis: Redis, port: int) -> None:
    context = Context("deribit:btc")
    operator = opened(port, context)
    with subscribed(redis, "underlying:deribit:BTC") as subscription:
        assert process(operator, context, "underlying_ticks", tick(1), tick(3), tick(2)) == [1]
        assert process(operator, context, "underlying_ticks", tick(2)) == []
        assert process(operator, context, "underlying_ticks", tick(3, 101.0)) == [1]  # a repeated second
        prices = [message["index_price"] for _, message in received(subscription, 2)]
    assert prices == [100.0, 101.0]
    assert redis.get("underlying:deribit:BTC:latest") == tick(3, 101.0)


def status(event_time: int, state: BookState, reason: str = "snapshot") -> bytes:
    return msgspec.json.encode(Status("binance", "BTCUSDT", event_time, state, reason, "c1"))


def stored_state(redis: Redis) -> dict[str, object]:
    found: dict[str, object] = json.loads(redis.get("status:binance:BTCUSDT") or b"null")
    return found


def test_every_change_of_a_state_is_published_and_the_newest_stored(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    changes = status(1, "synced"), status(5, "gap", "missing"), status(6, "gap", "crossed"), status(9, "synced")
    with subscribed(redis, "status:binance:BTCUSDT") as subscription:
        assert process_at(operator, context, "orderbook.status", 70, *changes[:3]) == [3]
        expected = json.loads(changes[2]) | {"record_offset": 72, "since": 5}
        assert stored_state(redis) == json.loads(redis.get("status:BTCUSDT") or b"") == expected
        assert process_at(operator, context, "orderbook.status", 73, changes[3]) == [1]
        states = [(message["state"], message["since"]) for _, message in received(subscription, 4)]
    assert states == [("synced", 1), ("gap", 5), ("gap", 5), ("synced", 9)]


def test_an_older_state_replaces_no_newer_one(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    process_at(operator, context, "orderbook.status", 7, status(1_795_000_000_000, "gap"))
    assert process_at(operator, context, "orderbook.status", 6, status(1, "synced")) == []
    assert process_at(operator, context, "orderbook.status", 7, status(1_795_000_000_000, "gap")) == []
    assert process_at(operator, context, "orderbook.status", 8, status(1_795_000_000_123, "gap", "crossed")) == [1]
    assert stored_state(redis)["since"] == 1_795_000_000_000
    # A book that a timer found stale may have a state ahead of the exchange's clock.
    assert process_at(operator, context, "orderbook.status", 9, status(1_794_000_000_000, "synced")) == [1]
    assert stored_state(redis)["state"] == "synced"
    # A new topic begins at offset 0.
    assert process_at(operator, context, "orderbook.status", 0, status(1_796_000_000_000, "stale")) == [1]


def alert(event_time: int, rule: str = "wide") -> bytes:
    return msgspec.json.encode({"id": f"{rule}|{event_time}", "event_time": event_time, "rule": rule})


def test_alerts_are_published_once_and_the_newest_kept_by_time(redis: Redis, port: int) -> None:
    context = Context()
    channels = ["alerts", "alerts:binance:BTCUSDT", "alerts:BTCUSDT"]
    with subscribed(redis, *channels) as subscription:
        for written in ([3], []):  # the second time, the job has lost its state
            operator = opened(port, context)
            assert process(operator, context, "orderbook.alerts", alert(5), alert(3), alert(5, "wall")) == written
        names = [name for name, _ in received(subscription, 10)]
    assert names == channels * 3
    assert redis.zrevrange("alerts:latest", 0, -1) == [alert(5, "wide"), alert(5, "wall"), alert(3)]


def test_the_newest_alerts_are_bounded_and_older_ones_not_published_again(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    first = [alert(time_) for time_ in range(NEWEST_ALERTS_SIZE + 5)]
    assert process(operator, context, "orderbook.alerts", *first) == [len(first)]
    assert redis.zrange("alerts:latest", 0, -1) == first[5:]
    assert process(operator, context, "orderbook.alerts", *first) == []
    assert redis.zrange("alerts:latest", 0, -1) == first[5:]


def test_an_outage_of_redis_is_waited_for_and_redis_ends_current(port: int, tmp_path: Path) -> None:
    (own,) = free_ports(1)
    context = Context()
    operator = opened(own, context, patience_s=20)
    process(operator, context, "orderbook.processed", record(3))
    flush = threading.Thread(target=lambda: process(operator, context, "orderbook.books", book(3)))
    flush.start()
    until = time.monotonic() + 10
    while not context.counters["redis_errors_total"].count and time.monotonic() < until:
        time.sleep(0.01)
    with running_valkey(own, tmp_path) as redis:
        flush.join(15)
        assert stored_id(redis) == 3


def test_a_longer_outage_of_redis_fails_the_call(port: int) -> None:
    (nobody,) = free_ports(1)
    context = Context()
    operator = opened(nobody, context, patience_s=0.2)
    process(operator, context, "orderbook.processed", record(3))
    with pytest.raises(ConnectionError):
        process(operator, context, "orderbook.books", book(3))

"""The cache operator against a real Valkey: names and payloads of design.md §4, never an older book, outages."""

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

from jobs.caching import CacheOperator
from market.records import TopOfBook, Trade
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
    """The fakes' context, with a metric group."""

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


def say(operator: CacheOperator, context: Context, topic: str, *lines: bytes | None) -> list[int]:
    return [row[1] for row in operator.process_element((topic, 0, list(lines), []), context)]


def record(update_id: int, event_time: int | None = None) -> bytes:
    fields = {"venue": "binance", "symbol": "BTCUSDT", "event_time": event_time or update_id, "update_id": update_id}
    return msgspec.json.encode(fields | {"mid": 100.5, "ofi": None})


def book(update_id: int, event_time: int | None = None) -> bytes:
    levels = [(100.0, float(update_id))], [(101.0, 2.0)]
    return msgspec.json.encode(TopOfBook("binance", "BTCUSDT", event_time or update_id, 1, update_id, *levels))


def kept(redis: Redis, key: str = LATEST) -> int | None:
    value = redis.get(key)
    return json.loads(value)["update_id"] if value else None


def heard(subscription: PubSub, count: int) -> list[tuple[str, dict[str, object]]]:
    found: list[tuple[str, dict[str, object]]] = []
    until = time.monotonic() + 5
    while len(found) < count and time.monotonic() < until:
        message = subscription.get_message(ignore_subscribe_messages=True, timeout=0.2)
        if message:
            found.append((message["channel"].decode(), json.loads(message["data"])))
    return found


def listening(redis: Redis, *channels: str) -> PubSub:
    subscription = redis.pubsub()
    subscription.subscribe(*channels)
    for _ in channels:
        subscription.get_message(timeout=5)
    return subscription


def test_the_newest_book_is_kept_as_its_record_with_its_levels(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    assert say(operator, context, "orderbook.processed", record(1), record(2)) == []
    assert say(operator, context, "orderbook.books", book(2)) == [1]
    expected = json.loads(record(2)) | {"bids": [[100.0, 2.0]], "asks": [[101.0, 2.0]]}
    assert json.loads(redis.get(LATEST) or b"") == json.loads(redis.get("orderbook:BTCUSDT:latest") or b"") == expected


def test_levels_that_come_before_their_record_wait_for_it(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    assert say(operator, context, "orderbook.books", book(2)) == []
    say(operator, context, "orderbook.processed", record(1), record(2), record(3))
    assert kept(redis) == 2


def test_subscribers_hear_books_and_trades_in_the_words_of_the_contract(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    names = "orderbook:binance:BTCUSDT", "orderbook:BTCUSDT", "trades:binance:BTCUSDT", "trades:BTCUSDT"
    with listening(redis, *names) as subscription:
        say(operator, context, "orderbook.processed", record(7))
        say(operator, context, "orderbook.books", book(7))
        trade = Trade("binance", "BTCUSDT", 9, 9000, "t1", 100.0, 0.5, "sell")
        assert say(operator, context, "trades", msgspec.json.encode(trade)) == [1]
        messages = heard(subscription, 4)
    levels = {"bids": [[100.0, 7.0]], "asks": [[101.0, 2.0]]}
    about_book = {"symbol": "BTCUSDT", **levels, "last_update_id": 7, "timestamp": 7}
    sold = {"symbol": "BTCUSDT", "trade_id": "t1", "price": 100.0, "quantity": 0.5, "timestamp": 9}
    about_trade = sold | {"is_buyer_maker": True}
    assert messages == [
        (names[0], about_book),
        (names[1], about_book),
        (names[2], about_trade),
        (names[3], about_trade),
    ]


def test_other_venues_have_no_short_names(redis: Redis, port: int) -> None:
    context = Context("kraken:btc/usd")
    operator = opened(port, context)
    say(operator, context, "orderbook.processed", record(1))
    say(operator, context, "orderbook.books", book(1))
    assert redis.keys() == [b"orderbook:kraken:BTC/USD:latest"]


def test_an_older_book_never_comes_over_a_newer_one_not_after_a_replay_either(redis: Redis, port: int) -> None:
    lines = [(record(n), book(n)) for n in (5, 6, 7)]
    for _ in range(2):  # the second is a job restarted without its state
        context = Context()
        operator = opened(port, context)
        for processed, levels in lines:
            say(operator, context, "orderbook.processed", processed)
            before = kept(redis) or 0
            say(operator, context, "orderbook.books", levels)
            assert (kept(redis) or 0) >= before
    assert kept(redis) == 7
    assert context.counters["redis_publishes_total"].count == 0


def test_ids_that_begin_anew_are_newer_by_their_time(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    for update_id, event_time in ((900, 1000), (1, 2000)):
        say(operator, context, "orderbook.processed", record(update_id, event_time))
        say(operator, context, "orderbook.books", book(update_id, event_time))
    assert kept(redis) == 1


def test_a_restart_between_record_and_levels_loses_neither(redis: Redis, port: int) -> None:
    context = Context()
    say(opened(port, context), context, "orderbook.processed", record(4))
    say(opened(port, context), context, "orderbook.books", book(4))
    assert kept(redis) == 4


def test_what_is_no_record_is_left_out(redis: Redis, port: int) -> None:
    context = Context()
    operator = opened(port, context)
    for topic in ("orderbook.processed", "orderbook.books", "trades", "options.chain", "options.surface"):
        assert say(operator, context, topic, b"{", b"[]", b"", None, b"\xff") == []
    assert redis.keys() == []


def chain_line(event_time: int, instrument: str | None = None, said: int = 0) -> bytes:
    named = {"instrument": instrument} if instrument else {}
    placed = {"venue": "deribit", "underlying": "BTC", "expiry": 1_795_766_400_000, "event_time": event_time}
    return msgspec.json.encode(placed | {"said": said} | named)


def test_a_chain_is_a_hash_of_its_summary_and_its_legs_for_five_minutes(redis: Redis, port: int) -> None:
    context = Context("deribit:BTC")
    operator = opened(port, context)
    assert say(operator, context, "options.chain", chain_line(1), chain_line(2)) == [1]
    legs = [chain_line(2, f"BTC-27NOV26-{strike}-C") for strike in (90, 100)]
    assert say(operator, context, "options.surface", *legs) == [2]
    found = redis.hgetall("chain:BTC:2026-11-27")
    names = (b"summary", b"BTC-27NOV26-90-C", b"BTC-27NOV26-100-C")
    assert found == dict(zip(names, (chain_line(2), *legs), strict=True))
    assert 295 <= redis.ttl("chain:BTC:2026-11-27") <= 300
    assert context.counters["redis_publishes_total"].count == 3


def test_an_older_second_of_a_chain_never_comes_over_a_newer_one(redis: Redis, port: int) -> None:
    for times in ((5, 7, 6), (1, 2)):  # the second is a job restarted without its state
        context = Context("deribit:BTC")
        operator = opened(port, context)
        for time_ in times:
            say(operator, context, "options.chain", chain_line(time_))
            say(operator, context, "options.surface", chain_line(time_, "A"))
    assert redis.hgetall("chain:BTC:2026-11-27") == {b"summary": chain_line(7), b"A": chain_line(7, "A")}
    redis.expire("chain:BTC:2026-11-27", 100)
    assert say(operator, context, "options.chain", chain_line(6)) == []
    assert redis.ttl("chain:BTC:2026-11-27") <= 100  # what is not written keeps nothing alive
    assert say(operator, context, "options.chain", chain_line(7, said=2)) == [1]  # a second that is said again
    assert redis.hget("chain:BTC:2026-11-27", "summary") == chain_line(7, said=2)


def test_a_redis_that_is_away_is_waited_for_and_ends_current(port: int, tmp_path: Path) -> None:
    (own,) = free_ports(1)
    context = Context()
    operator = opened(own, context, patience_s=20)
    say(operator, context, "orderbook.processed", record(3))
    flush = threading.Thread(target=lambda: say(operator, context, "orderbook.books", book(3)))
    flush.start()
    until = time.monotonic() + 10
    while not context.counters["redis_errors_total"].count and time.monotonic() < until:
        time.sleep(0.01)
    with running_valkey(own, tmp_path) as redis:
        flush.join(15)
        assert kept(redis) == 3


def test_one_that_stays_away_ends_the_call(port: int) -> None:
    (nobody,) = free_ports(1)
    context = Context()
    operator = opened(nobody, context, patience_s=0.2)
    say(operator, context, "orderbook.processed", record(3))
    with pytest.raises(ConnectionError):
        say(operator, context, "orderbook.books", book(3))

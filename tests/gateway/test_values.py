"""Values of API and sockets equal the records on the topics, for simulated frames and those of the fixtures."""

import json
from collections import defaultdict
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis

from core.records import Envelope
from core.topics import RAW_BOOKS, RAW_TRADES
from market.orderbook.book_config import BookConfig
from simulator.frame_generator import Generator, Plan
from tests.gateway.conftest import Served
from tests.gateway.feeder import Feeder
from tests.gateway.listening import in_thread, listening, run
from venues.registry import VENUES, open_builder
from venues.routing import route

FIXTURES = Path(__file__).parents[1] / "fixtures"
SIMULATED, RECORDED = "simulated", "recorded"
BATCH = 20


def envelopes(venue: str, kind: str) -> Iterable[Envelope]:
    """Frames of one exchange."""
    if kind == RECORDED:
        decode = msgspec.json.Decoder(Envelope).decode
        return [decode(line) for line in (FIXTURES / venue / "envelopes.jsonl").read_bytes().splitlines()]
    generated = Generator(Plan(seed=7))
    return islice((each for each in generated if each.venue == venue), 300)


def topics(venue: str, kind: str) -> dict[str, list[tuple[str, list[bytes]]]]:
    """Batches of the output topics by key, as the books job writes them, in order."""
    frames: dict[str, list[bytes]] = defaultdict(list)
    for envelope in envelopes(venue, kind):
        topic, key = route(envelope.venue, envelope.channel, envelope.symbol)
        if topic in (RAW_BOOKS.name, RAW_TRADES.name):
            frames[key].append(msgspec.json.encode(envelope))
    output: dict[str, list[tuple[str, list[bytes]]]] = defaultdict(list)
    for key, values in frames.items():
        builder = open_builder(key, BookConfig(depth=10, levels=20))
        for start in range(0, len(values), BATCH):
            batch = builder.apply_all(values[start : start + BATCH])
            output[key].append(("orderbook.processed", batch.processed))
            output[key].append(("orderbook.books", [batch.book] if batch.book else []))
            output[key].append(("orderbook.status", batch.statuses))
            output[key].append(("trades", batch.trades))
    return output


@pytest.mark.parametrize("kind", [SIMULATED, RECORDED])
@pytest.mark.parametrize("venue", list(VENUES))
def test_values_equal_the_records(
    gateway: Served, feeder: Feeder, redis: Redis, admin: str, venue: str, kind: str
) -> None:
    output = {key: batches for key, batches in topics(venue, kind).items() if any(batches[1::4])}
    key = max(output, key=lambda each: len(output[each]))
    batches = output[key]
    records = {record["update_id"]: record for record in decoded(batches, "orderbook.processed")}
    books = {book["update_id"]: book for book in decoded(batches, "orderbook.books")}
    trades = {trade["trade_id"]: trade for trade in decoded(batches, "trades")}
    assert records and books
    redis.delete(f"orderbook:{key}:latest", f"status:{key}")

    async def follow() -> None:
        async with listening(gateway, admin) as listener:
            for room in ("book", "trades"):
                await listener.subscribe(room, key)
            for topic, lines in batches:
                if lines:
                    await in_thread(feeder.process, topic, key, *lines)
            last = list(books)[-1]
            await listener.until("book_update", lambda each: each["last_update_id"] == last)
            for update in listener.of("book_update"):
                if update["last_update_id"] in books:  # else an update of an earlier test
                    book = books[update["last_update_id"]]
                    assert (update["bids"], update["asks"]) == (book["bids"], book["asks"])
                    assert update["timestamp"] == book["event_time"]
            if trades:
                await listener.until("trade", lambda each: each["trade_id"] == list(trades)[-1])
            for trade in listener.of("trade"):
                record = trades[trade["trade_id"]]
                assert (trade["price"], trade["quantity"]) == (record["price"], record["size"])

    run(follow())
    answer = gateway.get(f"/api/books/{key.replace(':', '/')}", admin).json
    last = list(books)[-1]
    assert answer["book"] == records[last] | {side: books[last][side] for side in ("bids", "asks")}
    states = decoded(batches, "orderbook.status")
    assert answer["freshness"]["state"] == states[-1]["state"]


def decoded(batches: list[tuple[str, list[bytes]]], topic: str) -> list[dict[str, Any]]:
    """Records of one topic."""
    return [json.loads(line) for name, lines in batches if name == topic for line in lines]

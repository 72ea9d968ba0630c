"""Records of the topics into the segment."""

from pathlib import Path

import msgspec
import pytest

from core.records import Status, TopOfBook
from ring.feed import RingFeed, flat_levels
from ring.view import Ring, State
from tests.ring.builders import KEY, opened, trade

BOOK = TopOfBook("binance", "BTCUSDT", 7, 8, 9, [(100.0, 1.0), (99.5, 2.0)], [])
HANDLERS = ("trades", "orderbook.ticks", "orderbook.status", "orderbook.books")


def send(feed: RingFeed, topic: str, *values: bytes | None, key: str = KEY) -> None:
    for value in values:
        feed.write(feed.handlers("test.")[f"test.{topic}"], key.encode(), value)


@pytest.mark.parametrize("levels", ["[]", "[[1,2]]", "[[1.5,2.5],[3e2,4]]"])
def test_levels_are_flattened(levels: str) -> None:
    expected = [number for level in msgspec.json.decode(levels) for number in level]
    assert flat_levels(msgspec.Raw(levels.encode())) == expected


def test_each_record_reaches_the_slot_of_its_key(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, ring):
        feed = RingFeed(writer, ())
        send(feed, "orderbook.books", msgspec.json.encode(BOOK))
        send(feed, "trades", msgspec.json.encode(trade(4)))
        send(feed, "orderbook.status", msgspec.json.encode(Status("binance", "BTCUSDT", 3, "gap", "")))
        book = ring.book(KEY)
        assert book is not None
        assert (book.update_id, book.bids.tolist(), book.asks.tolist()) == (9, [[100.0, 1.0], [99.5, 2.0]], [])
        assert ring[KEY].trades()["price"].tolist() == [4.0]
        assert ring[KEY].state == State("gap", 3)
        assert ring[KEY].ticks().size == 0


def test_invalid_records_are_counted_and_skipped(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, ring):
        feed = RingFeed(writer, ())
        for topic in HANDLERS:
            send(feed, topic, b"{", b"", None, b'{"bids":1}', b"\xff")
        broken = msgspec.json.encode(BOOK).replace(b"[100.0,1.0]", b'["x",1.0]')
        send(feed, "orderbook.books", broken)
        assert feed.invalid == 21
        assert ring.keys() == []


def test_patterns_select_books(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, ring):
        feed = RingFeed(writer, ["kraken:*", "binance:ETH*"])
        for key in (KEY, "kraken:BTC/USD", "binance:ETHUSDT"):
            send(feed, "orderbook.books", msgspec.json.encode(BOOK), key=key)
        assert Ring(writer.path).keys() == ["kraken:BTC/USD", "binance:ETHUSDT"]

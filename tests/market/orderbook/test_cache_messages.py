"""Bounds of the records that wait for the levels of their book."""

import msgspec

from market.orderbook.cache_messages import MAX_UNMATCHED_BYTES, BookRecordJoin


def record(update_id: int) -> bytes:
    return msgspec.json.encode({"update_id": update_id, "event_time": update_id, "padding": "x" * 500})


def levels(update_id: int) -> bytes:
    book = {"venue": "v", "symbol": "S", "event_time": update_id, "update_id": update_id, "bids": [], "asks": []}
    return msgspec.json.encode(book)


def test_a_backlog_of_records_is_bounded_by_bytes_and_its_newest_book_is_complete() -> None:
    """The earlier bound of 10,000 records allowed 5.8 MiB for each book."""
    join = BookRecordJoin()
    for update_id in range(20_000):
        join.add_record(record(update_id))
        assert sum(map(len, join.records.values())) == join.record_bytes <= MAX_UNMATCHED_BYTES or update_id % 1000
    latest = join.add_book(levels(19_999))
    assert latest is not None and latest.update_id == 19_999 and len(join.records) == 1
    assert join.record_bytes == len(record(19_999))


def test_the_limit_may_be_lower_and_a_repeated_record_counts_once() -> None:
    join = BookRecordJoin()
    for update_id in (1, 1, 2, 2, 3):
        join.add_record(record(update_id), limit_bytes=1200)
    assert list(join.records) == [2, 3] and join.record_bytes == 2 * len(record(1))
    join.add_record(record(4), limit_bytes=1)
    assert list(join.records) == [4]

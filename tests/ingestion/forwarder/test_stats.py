"""Readiness of the forwarder from its statistics."""

from core.topics import RAW_BOOKS, RAW_TRADES
from ingestion.forwarder.stats import ForwarderStats
from venues.protocol import Stream

NOW = 1_767_225_600_000_000
SECOND = 1_000_000
BOOK, TRADES, TICKER = (
    Stream("book.100ms", "BTC-PERPETUAL"),
    Stream("trades.100ms", "BTC-PERPETUAL"),
    Stream("ticker.100ms", "BTC-2JAN26-1-C"),
)


def forwarder_stats(*streams: Stream, age_s: int = 1) -> ForwarderStats:
    stats = ForwarderStats("deribit")
    for stream in streams:
        each = stats.stream(stream)
        each.subscriptions, each.last_recv_us, each.frames = 1, NOW - age_s * SECOND, 10
    return stats


def reasons(stats: ForwarderStats) -> list[str]:
    return list(stats.not_ready_reasons(NOW, 30 * SECOND))


def test_a_forwarder_without_streams_is_not_ready() -> None:
    assert reasons(ForwarderStats("deribit")) == ["nothing is subscribed yet"]


def test_a_forwarder_with_subscriptions_and_fresh_frames_is_ready() -> None:
    assert reasons(forwarder_stats(BOOK, TRADES, TICKER)) == []


def test_a_book_with_old_frames_is_named_with_its_age() -> None:
    assert reasons(forwarder_stats(BOOK, age_s=31)) == [
        "BTC-PERPETUAL book.100ms: newest frame 31 s old, expected within 30 s"
    ]


def test_live_trades_do_not_hide_a_dead_book() -> None:
    stats = forwarder_stats(BOOK, TRADES)
    stats.stream(BOOK).last_recv_us = NOW - 40 * SECOND
    assert reasons(stats) == ["BTC-PERPETUAL book.100ms: newest frame 40 s old, expected within 30 s"]
    stats.stream(BOOK).last_recv_us = 0
    assert reasons(stats) == ["BTC-PERPETUAL book.100ms: newest frame missing, expected within 30 s"]


def test_trades_may_be_quiet() -> None:
    stats = forwarder_stats(BOOK, TRADES)
    stats.stream(TRADES).last_recv_us = 0
    assert reasons(stats) == []


def test_a_stream_that_is_not_subscribed_is_named() -> None:
    stats = forwarder_stats(BOOK, TRADES)
    stats.stream(TRADES).subscriptions = 0
    assert reasons(stats) == ["BTC-PERPETUAL trades.100ms: not subscribed"]


def test_an_option_needs_no_frames() -> None:
    stats = forwarder_stats(BOOK, TICKER)
    stats.stream(TICKER).last_recv_us = 0
    assert reasons(stats) == []


def test_frames_are_counted_by_topic_and_symbol() -> None:
    stats = forwarder_stats(BOOK, TRADES, TICKER)
    assert stats.frames_by_topic(RAW_BOOKS.name) == stats.frames_by_topic(RAW_TRADES.name) == {"BTC-PERPETUAL": 10}

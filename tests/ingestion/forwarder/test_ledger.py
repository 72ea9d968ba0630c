from ingestion.forwarder.dialects import Stream
from ingestion.forwarder.ledger import Ledger
from market.topics import RAW_BOOKS, RAW_TRADES

NOW = 1_767_225_600_000_000
SECOND = 1_000_000
BOOK, TRADES, TICKER = (
    Stream("book.25", "BTC/USD"),
    Stream("trade", "BTC/USD"),
    Stream("ticker.100ms", "BTC-2JAN26-1-C"),
)


def ledger(*streams: Stream, age_s: int = 1) -> Ledger:
    made = Ledger("kraken")
    for stream in streams:
        record = made.stream(stream)
        record.live, record.last_us, record.frames = 1, NOW - age_s * SECOND, 10
    return made


def reasons(made: Ledger) -> list[str]:
    return list(made.unready(NOW, 30 * SECOND))


def test_a_forwarder_that_has_not_begun_is_not_ready() -> None:
    assert reasons(Ledger("kraken")) == ["nothing is subscribed yet"]


def test_ready_is_subscribed_and_fresh() -> None:
    assert reasons(ledger(BOOK, TRADES, TICKER)) == []


def test_an_old_symbol_is_named_with_its_age() -> None:
    assert reasons(ledger(BOOK, age_s=31)) == ["BTC/USD: newest frame 31 s old, expected within 30 s"]


def test_a_symbol_is_as_fresh_as_the_freshest_of_its_streams() -> None:
    made = ledger(BOOK, TRADES)
    made.stream(TRADES).last_us = 0
    assert reasons(made) == []


def test_a_stream_that_is_not_subscribed_is_named() -> None:
    made = ledger(BOOK, TRADES)
    made.stream(TRADES).live = 0
    assert reasons(made) == ["BTC/USD trade: not subscribed"]


def test_an_option_need_not_speak() -> None:
    made = ledger(BOOK, TICKER)
    made.stream(TICKER).last_us = 0
    assert reasons(made) == []


def test_frames_are_counted_by_topic_and_symbol() -> None:
    made = ledger(BOOK, TRADES, TICKER)
    assert made.frames_by_topic(RAW_BOOKS.name) == made.frames_by_topic(RAW_TRADES.name) == {"BTC/USD": 10}

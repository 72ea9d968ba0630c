"""`conn` and `seq` of the raw record."""

from venues.stamping import Stamper, connection_id


def test_seq_counts_per_topic_and_symbol() -> None:
    stamper = Stamper("binance", "c")
    streams = [("depth@100ms", "A"), ("bookTicker", "A"), ("aggTrade", "A"), ("depth@100ms", "B"), ("snapshot", "A")]
    assert [stamper.stamp(channel, symbol, 0, b"{}").seq for channel, symbol in streams] == [0, 1, 0, 0, 2]


def test_a_connection_event_counts_in_seq() -> None:
    stamper = Stamper("binance", "c")
    event = stamper.event("connected", "A", 5)
    assert (event.channel, event.seq, event.event, event.recv_us) == ("connection", 0, "connected", 5)
    assert stamper.stamp("depth", "A", 6, b"{}").seq == 1


def test_a_new_subscription_starts_at_zero() -> None:
    stamper = Stamper("kraken", "c")
    stamper.stamp("book.10", "A", 0, b"{}")
    stamper.stamp("book.10", "B", 0, b"{}")
    stamper.resubscribed("book.10", "A")
    assert [stamper.stamp("book.10", symbol, 0, b"{}").seq for symbol in "AB"] == [0, 1]


def test_the_frame_is_unchanged_to_the_byte() -> None:
    frame = b'{ "a" : 1.50 }'
    assert bytes(Stamper("kraken", "c").stamp("book.10", "A", 0, frame).frame) == frame  # type: ignore[arg-type]


def test_connection_ids_repeat_and_differ() -> None:
    assert connection_id("file", "ws.1") == connection_id("file", "ws.1") != connection_id("file", "ws.2")

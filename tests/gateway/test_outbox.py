"""Messages that wait for a slow client, and the names of rooms."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sockets.frames import event_frame, extended
from gateway.sockets.outbox import Outbox
from gateway.sockets.rooms import Room, RoomError, RoomName, parse_room


def drained(outbox: Outbox) -> list[bytes]:
    frames = []
    while outbox:
        frames.append(outbox.take())
    return frames


def test_the_newest_value_of_a_key_waits_in_the_place_of_the_first() -> None:
    outbox = Outbox()
    assert not outbox.put_latest("a", b"a1")
    assert not outbox.put_latest("b", b"b1")
    assert outbox.put_latest("a", b"a2")
    assert drained(outbox) == [b"a2", b"b1"]


def test_events_go_first_and_the_number_of_lost_ones_before_them() -> None:
    outbox = Outbox(max_events=2)
    outbox.put_latest("a", b"a1")
    assert [outbox.put_event("trade", b"%d" % number) for number in range(4)] == [False, False, True, True]
    dropped = event_frame("dropped", b'{"event":"trade","count":2}')
    assert drained(outbox) == [dropped, b"2", b"3", b"a1"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans())))
def test_an_outbox_stays_within_its_bound(messages: list[tuple[str, bool]]) -> None:
    outbox = Outbox(max_events=2)
    for number, (key, is_event) in enumerate(messages):
        frame = b"%s%d" % (key.encode(), number)
        if is_event:
            outbox.put_event(key, frame)
        else:
            outbox.put_latest(key, frame)
        assert len(outbox) <= 2 + 3 + 3
    latest = {key: number for number, (key, is_event) in enumerate(messages) if not is_event}
    frames = drained(outbox)
    assert all(b"%s%d" % (key.encode(), number) in frames for key, number in latest.items())


def test_an_event_is_one_text_frame() -> None:
    assert event_frame("status", b"{}") == b'\x81\x0f42["status",{}]'
    assert extended({"venue": "kraken"}, b'{"symbol":"BTC/USD"}') == b'{"venue":"kraken","symbol":"BTC/USD"}'


@pytest.mark.parametrize(
    ("data", "room", "channels"),
    [
        ({"type": "book", "symbol": "kraken:btc/usd"}, "book:kraken:BTC/USD", ["orderbook:kraken:BTC/USD"]),
        ({"type": "trades", "symbol": "kraken:BTC/USD"}, "trades:kraken:BTC/USD", ["trades:kraken:BTC/USD"]),
        ({"type": "product", "symbol": "btc"}, "product:BTC", ["underlying:*:BTC", "chain:BTC:*"]),
        ({"type": "chain", "symbol": "BTC"}, "chain:BTC", ["chain:BTC:*"]),
        ({"type": "alerts"}, "alerts", ["alerts"]),
        ({"type": "alerts", "symbol": "kraken:BTC/USD"}, "alerts:kraken:BTC/USD", ["alerts:kraken:BTC/USD"]),
    ],
)
def test_a_subscription_names_a_room_and_its_channels(data: Any, room: str, channels: list[str]) -> None:
    name = parse_room(data)
    assert (str(name), name.channels) == (room, channels)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, "type: expected one of product, chain, book, record, alerts, trades"),
        ({"type": ["book"]}, "type: expected one of"),
        ({"type": "book", "symbol": "BTCUSDT"}, "symbol: expected venue:symbol"),
        ({"type": "book", "symbol": "kraken:*"}, "symbol: expected venue:symbol"),
        ({"type": "product", "symbol": "*"}, "symbol: expected an underlying such as BTC"),
        ({"type": "product", "symbol": {"a": 1}}, "symbol: expected an underlying such as BTC"),
    ],
)
def test_a_subscription_that_names_no_room_is_refused(data: Any, expected: str) -> None:
    with pytest.raises(RoomError, match=expected):
        parse_room(data)


class Member:
    """Records the frames that it is sent."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def send_latest(self, key: object, frame: bytes) -> None:
        self.frames.append(frame)


def test_a_new_member_gets_the_newest_values_first() -> None:
    room, first, second = Room(RoomName("book", "kraken:BTC/USD")), Member(), Member()
    room.admit(first)  # type: ignore[arg-type]
    room.publish("book", b"1")
    room.publish("book", b"2")
    room.admit(second)  # type: ignore[arg-type]
    room.publish("book", b"3")
    assert first.frames == [b"1", b"2", b"3"]
    assert second.frames == [b"2", b"3"]

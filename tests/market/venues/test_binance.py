"""Binance spot's rule, shapes and refusals."""

import pytest

from market.envelope import Unusable
from market.venues import binance
from market.venues.binance import DepthUpdate, SpotRule
from market.venues.wire import Kind, Step


def update(first: int, last: int) -> DepthUpdate:
    return DepthUpdate("depthUpdate", 1, "ETHUSDT", first, last, [], [])


STEPS = [
    (11, 15, Step.APPLY),
    (5, 15, Step.APPLY),
    (5, 11, Step.APPLY),
    (5, 10, Step.SKIP),
    (10, 10, Step.SKIP),
    (12, 15, Step.GAP),
]


@pytest.mark.parametrize(("first", "last", "step"), STEPS)
def test_an_update_must_start_at_or_before_the_next_id(first: int, last: int, step: Step) -> None:
    assert SpotRule.step(10, update(first, last)) is step
    assert SpotRule.bridge(10, update(first, last)) is step


def test_a_gap_names_the_id_expected_and_the_one_that_came() -> None:
    assert SpotRule.broken(10, update(12, 15)) == (11, 12)


def test_ids_that_run_backwards_are_refused() -> None:
    with pytest.raises(Unusable, match="expected U <= u, got U 9 and u 8"):
        SpotRule.check(update(9, 8))


KINDS = [
    ("depth", Kind.BOOK),
    ("depth@100ms", Kind.BOOK),
    ("depth@0ms", Kind.BOOK),
    ("snapshot", Kind.SNAPSHOT),
    ("aggTrade", Kind.TRADES),
    ("bookTicker", Kind.IGNORED),
    ("depth20@100ms", None),
    ("kline_1m", None),
]


@pytest.mark.parametrize(("channel", "kind"), KINDS)
def test_what_a_channel_carries(channel: str, kind: Kind | None) -> None:
    assert binance.kind(channel) is kind


BARE = b'{"e":"depthUpdate","E":1,"s":"ETHUSDT","U":1,"u":2,"b":[["1.50","0.00000000"]],"a":[]}'


@pytest.mark.parametrize("frame", [BARE, b'{"stream":"ethusdt@depth","data":' + BARE + b"}"])
def test_combined_and_bare_events_read_the_same(frame: bytes) -> None:
    parsed = binance.parse(Kind.BOOK, frame, "ETHUSDT")
    assert isinstance(parsed, binance.DepthFrame) and parsed.data.bids == [(1.5, 0.0)]


@pytest.mark.parametrize("frame", [b'{"result":null,"id":1}', b'{"e":"serverShutdown","E":1}'])
def test_acknowledgements_and_notices_concern_no_book(frame: bytes) -> None:
    assert binance.parse(Kind.BOOK, frame, "ETHUSDT") is None


@pytest.mark.parametrize("frame", [b'{"code":2,"msg":"Invalid request"}', b'{"error":{"code":3},"id":1}'])
def test_a_refusal_is_said_with_its_text(frame: bytes) -> None:
    with pytest.raises(Unusable, match="refused by the venue: "):
        binance.parse(Kind.BOOK, frame, "ETHUSDT")


def test_a_trade_tells_the_takers_side_and_its_own_time() -> None:
    frame = b'{"e":"trade","E":9,"s":"ETHUSDT","t":7,"p":"2.5","q":"0.1","T":8,"m":true,"M":true}'
    assert binance.parse(Kind.TRADES, frame, "ETHUSDT") == [("trade", 7, "7", 8, 2.5, 0.1, False)]


def test_a_trade_of_another_symbol_is_refused() -> None:
    frame = b'{"e":"aggTrade","s":"BTCUSDT","a":7,"p":"2.5","q":"0.1","T":8,"m":true}'
    with pytest.raises(Unusable, match="expected symbol ETHUSDT, got BTCUSDT"):
        binance.parse(Kind.TRADES, frame, "ETHUSDT")


def test_a_trade_without_the_id_of_its_stream_is_refused() -> None:
    frame = b'{"e":"aggTrade","s":"ETHUSDT","t":7,"p":"2.5","q":"0.1","T":8,"m":true}'
    with pytest.raises(Unusable, match="expected an id on aggTrade, got none"):
        binance.parse(Kind.TRADES, frame, "ETHUSDT")

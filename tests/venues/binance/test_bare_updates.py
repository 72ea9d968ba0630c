"""Bare frames of USD-M: partial depth is refused, updates are not, however many levels they have."""

import json
from typing import Any

import pytest

from core.envelope import InvalidRecord
from market.orderbook.feed_types import ChannelKind
from tests.market.orderbook.builders import build_batch, envelope, reject_reasons
from venues.binance.messages import parse
from venues.frame_info import UnclassifiedFrame
from venues.registry import VENUES


def frame(number: int, levels: int = 5, sizes: str = "1", symbol: str = "BTCUSDT", **more: Any) -> bytes:
    sides = {side: [[f"{price + step}", sizes] for step in range(levels)] for side, price in (("b", 90), ("a", 110))}
    head = {"e": "depthUpdate", "E": 5, "T": 5, "s": symbol, "U": number, "u": number, "pu": number - 1}
    return json.dumps(head | sides | more).encode()


@pytest.mark.parametrize("levels", [5, 10, 20])
def test_bare_partial_depth_is_refused_by_name(levels: int) -> None:
    classify = VENUES["binance_usdm"].open_classifier()
    for number in (7, 90, 170):
        with pytest.raises(UnclassifiedFrame, match=f"BTCUSDT: {levels} levels on each side, no deletion"):
            classify(frame(number, levels))


def test_updates_that_look_like_partial_depth_continue_a_chain() -> None:
    classify = VENUES["binance_usdm"].open_classifier()
    frames = [frame(7, 3), frame(8, 5), frame(8, 5), frame(9, 20), frame(10, 5, "0"), frame(11, 10)]
    assert [classify(each).channel for each in frames] == ["depth"] * 6


def test_partial_depth_beside_updates_is_refused_and_breaks_no_chain() -> None:
    classify = VENUES["binance_usdm"].open_classifier()
    assert classify(frame(7, 3)).channel == "depth"
    with pytest.raises(UnclassifiedFrame):
        classify(frame(7, 5, pu=3, u=9))
    assert classify(frame(8, 5)).channel == "depth"


def test_the_name_of_a_stream_decides() -> None:
    named = b'{"stream":"btcusdt@depth5","data":%s}' % frame(7)
    assert VENUES["binance_usdm"].open_classifier()(named).channel == "depth5"


@pytest.mark.parametrize(
    "body",
    [
        frame(7, 3, symbol="BTCUSD_OTHER", ps="BTCUSD"),
        b'{"stream":"x@depth","data":%s}' % frame(7, 3, symbol="BTCUSD_OTHER", ps="BTCUSD"),
        b'{"lastUpdateId":7,"symbol":"BTCUSD_OTHER","pair":"BTCUSD","E":5,"T":5,"bids":[],"asks":[]}',
    ],
)
def test_the_pair_of_a_frame_shows_a_coin_margined_contract(body: bytes) -> None:
    with pytest.raises(UnclassifiedFrame, match="BTCUSD_OTHER is a COIN-M contract"):
        VENUES["binance_usdm"].open_classifier()(body)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (ChannelKind.BOOK, frame(7, 3, symbol="BTCUSD_OTHER", ps="BTCUSD")),
        (ChannelKind.PARTIAL, frame(7, 5, symbol="BTCUSD_OTHER", ps="BTCUSD")),
        (ChannelKind.SNAPSHOT, b'{"lastUpdateId":7,"symbol":"BTCUSD_OTHER","pair":"BTCUSD","bids":[],"asks":[]}'),
        (
            ChannelKind.TRADES,
            b'{"e":"aggTrade","s":"BTCUSD_OTHER","ps":"BTCUSD","p":"1","q":"1","T":5,"m":true,"a":1}',
        ),
    ],
)
def test_every_kind_of_frame_with_such_a_pair_is_rejected(kind: ChannelKind, body: bytes) -> None:
    with pytest.raises(InvalidRecord, match="BTCUSD_OTHER is a COIN-M contract"):
        parse(kind, body, "BTCUSD_OTHER")


def test_the_books_job_rejects_a_coin_margined_update() -> None:
    update = json.loads(frame(7, 3, ps="BTCUSD"))
    batch = build_batch("binance_usdm", envelope("binance_usdm", {"stream": "x@depth", "data": update}))
    assert reject_reasons(batch) == [
        "BTCUSDT is a COIN-M contract: its sizes count contracts, not coins; COIN-M is not supported"
    ]


def test_a_pair_of_usdm_is_not_coin_margined() -> None:
    assert VENUES["binance_usdm"].open_classifier()(frame(7, 3, ps="BTCUSDT")).channel == "depth"

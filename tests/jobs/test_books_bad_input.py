"""Whatever is written to the raw topics: it ends in `deadletter` with a reason, and the job goes on."""

import json
from itertools import islice

import msgspec

from ingestion.generator import Generator, Plan
from ingestion.generator.instruments import instrument
from market.config import KeeperConfig
from market.keeper import open_keeper
from tests.conftest import Stack
from tests.jobs.desk import Desk, Record, wait_until

KEY = "binance:BTCUSDT"
FRAMES = [
    msgspec.json.encode(envelope)
    for envelope in islice(Generator(Plan((instrument("binance", "BTCUSDT"),))), 400)
    if envelope.channel != "aggTrade"
]


def depth(bids: str) -> bytes:
    """A depth frame that would chain to nothing; what matters is that it cannot be read."""
    return (
        b'{"venue":"binance","channel":"depth@100ms","symbol":"BTCUSDT","conn":"x","seq":0,"recv_us":1767225600000000,"frame":'
        b'{"e":"depthUpdate","E":1767225600000,"s":"BTCUSDT","U":1,"u":1,"b":[%s],"a":[]}}' % bids.encode()
    )


BAD: dict[str, tuple[str | None, bytes | None]] = {
    "truncated JSON": (KEY, FRAMES[9][:100]),
    "wrong types": (KEY, depth('["1","2"],7')),
    "NaN size": (KEY, depth('["1","NaN"]')),
    "1e999 size": (KEY, depth('["1","1e999"]')),
    "negative price": (KEY, depth('["-1","2"]')),
    "unknown venue": ("nyse:IBM", FRAMES[9]),
    "unknown channel": (KEY, FRAMES[9].replace(b"depth@100ms", b"kline_1m", 1)),
    "a 10 MB frame": (KEY, b'{"venue":"' + b"x" * 10_000_000),
    "invalid UTF-8": (KEY, FRAMES[9].replace(b"BTCUSDT", b"BTC\xff\xfeSDT")),
    "an empty value": (KEY, b""),
    "no value": (KEY, None),
    "a null key": (None, FRAMES[9]),
}


def test_bad_input_ends_as_dead_letters_and_spoils_nothing(stack: Stack) -> None:
    desk = Desk(stack, "bad.")
    bad: list[Record] = [("orderbook.raw", key, value) for key, value in BAD.values()]
    good: list[Record] = [("orderbook.raw", KEY, value) for value in FRAMES]
    expected = open_keeper(KEY, KeeperConfig()).apply_all(FRAMES).processed
    with desk.running("books"):
        desk.send([*good[:200], *bad, *good[200:]])
        wait_until(lambda: desk.count("orderbook.processed") >= len(expected), "the good frames")
        wait_until(lambda: desk.count("deadletter") >= len(BAD), "the dead letters")
    assert desk.read("orderbook.processed") == {KEY: expected}
    letters = [json.loads(line) for lines in desk.read("deadletter").values() for line in lines]
    assert len(letters) == len(BAD)
    assert all(letter["reason"] and letter["topic"] == "bad.orderbook.raw" for letter in letters)
    assert {letter["length"] for letter in letters} == {len(value or b"") for _, value in BAD.values()}

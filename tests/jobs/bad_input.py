"""Frames of one book, and unusable records."""

from itertools import islice

import msgspec

from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument

KEY = "binance:COIN0000"
FRAMES = [
    msgspec.json.encode(envelope)
    for envelope in islice(Generator(Plan((instrument("binance", "COIN0000"),))), 400)
    if envelope.channel != "aggTrade"
]


def depth(bids: str) -> bytes:
    """A depth frame with the given bids, invalid in a way that stops it from being decoded."""
    return (
        b'{"venue":"binance","channel":"depth@100ms","symbol":"COIN0000","conn":"x","seq":0,"recv_us":1767225600000000,"frame":'
        b'{"e":"depthUpdate","E":1767225600000,"s":"COIN0000","U":1,"u":1,"b":[%s],"a":[]}}' % bids.encode()
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
    "invalid UTF-8": (KEY, FRAMES[9].replace(b"COIN0000", b"COIN\xff\xfe00")),
    "an empty value": (KEY, b""),
    "no value": (KEY, None),
    "a null key": (None, FRAMES[9]),
}

"""Floor of the domain: the time that msgspec takes to decode frames into structs and to encode their records.

No builder can be faster in Python, since it needs both. The decoders are those of the builders. The builders leave only
Kraken's levels undecoded, since the checksum covers their digits; the floor decodes these to numbers as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from time import perf_counter_ns
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from core.envelope import DECODE_ERRORS, TypedEnvelope
from core.records import Processed
from market.orderbook.builder import BookBuilder
from market.orderbook.feed_types import Price, Size
from venues.binance.messages import decode_book as decode_binance
from venues.deribit.messages import decode_book as decode_deribit
from venues.kraken.messages import BookData

encode = msgspec.json.Encoder().encode
_record = msgspec.json.Decoder(Processed).decode


class _KrakenLevel(Struct, gc=False):
    price: Price
    qty: Size


class _KrakenData(BookData, gc=False):
    bids: list[_KrakenLevel]  # type: ignore[assignment]
    asks: list[_KrakenLevel]  # type: ignore[assignment]


class _KrakenFrame(Struct, gc=False):
    channel: Literal["book"]
    type: Literal["snapshot", "update"]
    data: Annotated[list[_KrakenData], Meta(min_length=1, max_length=1)]


DECODERS: dict[str, Callable[[bytes], Any]] = {
    "binance": decode_binance,
    "binance_usdm": decode_binance,
    "deribit": decode_deribit,
    "kraken": msgspec.json.Decoder(TypedEnvelope[_KrakenFrame]).decode,
}


@dataclass(frozen=True)
class Floor:
    """Book frames of one venue, with the records that a builder makes of them."""

    decode: Callable[[bytes], Any]
    frames: Sequence[bytes]
    records: Sequence[Processed]

    def run(self) -> None:
        """Decode all frames and encode all records once."""
        decode = self.decode
        for frame in self.frames:
            decode(frame)
        for record in self.records:
            encode(record)

    def us(self) -> float:
        """Microseconds of one frame and one record, now."""
        start = perf_counter_ns()
        self.run()
        return (perf_counter_ns() - start) / len(self.frames) / 1000


def floor_of(venue: str, streams: Sequence[Sequence[bytes]], builders: Sequence[BookBuilder]) -> Floor:
    """The floor of these frames, one list and one fresh builder per key. Other values than book frames are left out."""
    decode = DECODERS[venue]
    records = [
        _record(line)
        for values, builder in zip(streams, builders, strict=True)
        for line in builder.apply_all(values).processed
    ]
    return Floor(decode, [value for value in chain.from_iterable(streams) if _decodes(decode, value)], records)


def _decodes(decode: Callable[[bytes], Any], value: bytes) -> bool:
    try:
        decode(value)
    except DECODE_ERRORS:
        return False
    return True

"""Decoders of the records that rules read.

Of chains, options and states only the fields that rules read are decoded. A tick is decoded as a whole: msgspec looks
for a field that it does not know among all fields of the struct, so a struct with half of them takes twice the time.
"""

import msgspec
from msgspec import Struct

from core.records import BookState
from market.orderbook.tick_records import BookTick, TradeTick


class ChainReading(Struct, frozen=True, gc=False):
    """Fields of a `ChainRecord`."""

    expiry: int
    event_time: int
    years: float
    options: int
    forward: float | None
    pcr_open_interest: float | None
    max_pain: float | None
    implied_move: float | None
    atm_iv: float | None
    risk_reversal_25: float | None
    flags: list[str]
    stale_options: int = 0


class InterestReading(Struct, frozen=True, gc=False):
    """Fields of a `SurfaceRecord`."""

    instrument: str
    expiry: int
    event_time: int
    open_interest: float | None


class StateReading(Struct, frozen=True, gc=False):
    """Fields of a `Status`."""

    event_time: int
    state: BookState


decode_tick = msgspec.json.Decoder(BookTick | TradeTick).decode
decode_chain = msgspec.json.Decoder(ChainReading).decode
decode_interest = msgspec.json.Decoder(InterestReading).decode
decode_state = msgspec.json.Decoder(StateReading).decode
STATE_VALUES = {"synced": 0.0, "gap": 1.0, "stale": 2.0, "untrusted": 2.0}

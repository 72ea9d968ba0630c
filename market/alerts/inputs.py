"""Decoders of the records that rules read.

Of chains, options and states only the fields that rules read are decoded. A tick is decoded as a whole: msgspec looks
for a field that it does not know among all fields of the struct, so a struct with half of them takes twice the time.
Numbers that state holds are bounded: one beyond 64 bits could not be saved.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from core.envelope import Count
from core.records import BookState
from market.orderbook.tick_records import BookTick, TradeTick

EpochMs = Annotated[int, Meta(ge=0, le=253_402_300_000_000)]  # up to the year 9999


class _BookTick(BookTick, frozen=True, gc=False, tag_field="kind", tag="book", kw_only=True):
    seq: Count
    start: EpochMs
    end: EpochMs
    event_time: EpochMs


class _TradeTick(TradeTick, frozen=True, gc=False, tag_field="kind", tag="trade", kw_only=True):
    seq: Count
    start: EpochMs
    end: EpochMs
    event_time: EpochMs
    buy_levels: Count
    sell_levels: Count


class ChainReading(Struct, frozen=True, gc=False):
    """Fields of a `ChainRecord`."""

    expiry: EpochMs
    event_time: EpochMs
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
    expiry: EpochMs
    event_time: EpochMs
    open_interest: float | None


class StateReading(Struct, frozen=True, gc=False):
    """Fields of a `Status`."""

    event_time: EpochMs
    state: BookState


decode_tick = msgspec.json.Decoder(_BookTick | _TradeTick).decode
decode_chain = msgspec.json.Decoder(ChainReading).decode
decode_interest = msgspec.json.Decoder(InterestReading).decode
decode_state = msgspec.json.Decoder(StateReading).decode
STATE_VALUES = {"synced": 0.0, "gap": 1.0, "stale": 2.0, "untrusted": 2.0}

"""Payloads of the events, from messages of the cache job and from newest values."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway.chains import ExpiryChain
from gateway.freshness import Freshness, StateRecord
from gateway.market_data import NewestBook
from gateway.sockets.frames import extended
from market.options.records import ChainRecord, UnderlyingTick

Message = dict[str, Any]


class NewestLevels(Struct, frozen=True, gc=False):
    """The part of a book's newest record that is in a message on its channel."""

    symbol: str
    bids: Raw
    asks: Raw
    update_id: int
    event_time: int


_decode_levels = msgspec.json.Decoder(NewestLevels).decode


def trust(state: StateRecord | None) -> Message:
    """Trust in a book or chain by its state."""
    known = None if state is None else state.state
    return {"trusted": known == "synced", "state": known, "reason": None if state is None else state.reason}


def trust_of(fresh: Freshness) -> Message:
    """Trust in a newest value."""
    return {"trusted": fresh.trusted, "state": fresh.state, "reason": fresh.reason}


def book_update(venue: str, state: StateRecord | None, message: bytes) -> bytes:
    """Payload of `book_update` from a message on the book's channel."""
    return extended({"venue": venue} | trust(state), message)


def newest_book(venue: str, newest: NewestBook) -> bytes:
    """Payload of `book_update` from the newest record."""
    levels = _decode_levels(newest.book)
    message = {
        "symbol": levels.symbol,
        "bids": levels.bids,
        "asks": levels.asks,
        "last_update_id": levels.update_id,
        "timestamp": levels.event_time,
    }
    return extended({"venue": venue} | trust_of(newest.freshness), msgspec.json.encode(message))


def book_record(newest: NewestBook) -> bytes:
    """Payload of `book_record`: the newest record with its levels, its trust, and the begin of its state."""
    return extended(trust_of(newest.freshness) | {"since": newest.freshness.since}, newest.book)


def underlying_update(tick: UnderlyingTick, state: StateRecord | None) -> Message:
    """Payload of `underlying_update`."""
    return {
        "product": tick.underlying,
        "venue": tick.venue,
        "price": tick.index_price,
        "timestamp": tick.event_time,
        "pcr_oi": tick.pcr_open_interest,
        "pcr_volume": tick.pcr_volume,
        "gamma_naive": tick.gamma_naive,
        "zero_gamma": tick.zero_gamma,
    } | trust(state)


def chain_summary(day: str, summary: ChainRecord, state: StateRecord | None) -> Message:
    """Payload of `chain_summary`; `day`: the expiry as YYYY-MM-DD."""
    return {
        "product": summary.underlying,
        "venue": summary.venue,
        "expiry": day,
        "timestamp": summary.event_time,
        "spot_price": summary.forward if summary.index_price is None else summary.index_price,
        "forward": summary.forward,
        "pcr_oi": summary.pcr_open_interest,
        "pcr_volume": summary.pcr_volume,
        "atm_straddle_price": summary.straddle,
        "atm_iv": summary.atm_iv,
        "implied_move": summary.implied_move,
        "max_pain": summary.max_pain,
    } | trust(state)


def chain_update(chain: ExpiryChain, full: Message, state: StateRecord | None) -> Message:
    """Payload of `chain_update`: summary, calls and puts of one expiry. `full`: `gateway.chains.full_chain`."""
    summary = chain.summary
    return (
        {"product": summary.underlying, "venue": summary.venue, "timestamp": summary.event_time} | full | trust(state)
    )

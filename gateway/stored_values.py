"""Newest values from the database, for the time in which Redis has none or is unavailable."""

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.catalog import BookName
from gateway.chains import ExpiryChain
from gateway.database import Database
from gateway.encoding import Row, encode
from gateway.freshness import StateRecord
from market.options.records import ChainRecord, SurfaceRecord
from reader.chain_rows import as_record

REACH_S = 10  # seconds before a chain's newest one: the rows of its tables are written separately

FLAGS = "coalesce(string_to_array(nullif(flags, ''), ','), '{}') AS flags"
# The fields of UnderlyingTick, in the view of the newest seconds and in the table of all.
UNDERLYING_COLUMNS = (
    "venue, underlying, event_time, index_price, options, expiries, call_open_interest, put_open_interest, "
    f"pcr_open_interest, pcr_volume, gamma_gross, gamma_naive, zero_gamma, {FLAGS}"
)
NEWEST_BOOK = (
    "SELECT venue, symbol, event_time, update_id, best_bid, best_bid_size, best_ask, best_ask_size, mid, microprice, "
    "spread, spread_bps, bid_depth, ask_depth, imbalance, weighted_imbalance, vtob, ofi, levels_bid, levels_ask, "
    f"depth, {FLAGS} FROM orderbook_metrics "
    "WHERE venue = %(venue)s AND symbol = %(symbol)s ORDER BY ts DESC LIMIT 1"
)
KNOWN_BOOKS = "SELECT venue, symbol FROM dashboard_summary ORDER BY venue, symbol"
NEWEST_UNDERLYINGS = f"SELECT {UNDERLYING_COLUMNS} FROM option_chains"
NEWEST_STATE = (
    "SELECT state, reason, (extract(epoch FROM since) * 1000)::bigint AS since FROM book_states "
    "WHERE venue = %(venue)s AND symbol = %(symbol)s ORDER BY book_states.since DESC, record_offset DESC LIMIT 1"
)
NEWEST_CHAIN = "SELECT venue, underlying, ts FROM option_chains WHERE upper(underlying) = upper(%(product)s) LIMIT 1"
CHAIN_SECONDS = (
    "SELECT DISTINCT ON (expiry) * FROM option_chain_metrics WHERE venue = %(venue)s AND underlying = %(product)s "
    "AND ts BETWEEN %(ts)s - %(reach)s * interval '1 s' AND %(ts)s ORDER BY expiry, ts DESC"
)
OPTION_SECONDS = (
    "SELECT DISTINCT ON (instrument) * FROM option_surface WHERE venue = %(venue)s AND underlying = %(product)s "
    "AND ts BETWEEN %(ts)s - %(reach)s * interval '1 s' AND %(ts)s ORDER BY instrument, ts DESC"
)

Chains = list[ExpiryChain]


def best_levels(row: Row) -> dict[str, list[list[float]]]:
    """`bids` and `asks` of a metrics record: the best level, none of an empty side."""
    best = {side: [row[f"best_{name}"], row[f"best_{name}_size"]] for side, name in (("bids", "bid"), ("asks", "ask"))}
    return {side: [] if level[0] is None else [level] for side, level in best.items()}


class StoredValues:
    """Reads newest values as encoded JSON; None without rows. Raises psycopg.Error or PoolTimeout."""

    def __init__(self, reader: Database) -> None:
        self._reader = reader

    async def known_books(self) -> list[BookName]:
        """Venue and symbol of every book, by name."""
        return [(row["venue"], row["symbol"]) for row in await self._reader.rows(KNOWN_BOOKS)]

    async def book(self, venue: str, symbol: str) -> bytes | None:
        """Newest record of a book, with the best level of each side."""
        row = await self._reader.row(NEWEST_BOOK, {"venue": venue, "symbol": symbol})
        return encode(row | best_levels(row)) if row else None

    async def state(self, venue: str, symbol: str) -> StateRecord | None:
        """Newest state of a book or chain, decoded."""
        row = await self._reader.row(NEWEST_STATE, {"venue": venue, "symbol": symbol})
        return msgspec.convert(row, StateRecord) if row else None

    async def underlyings(self) -> bytes | None:
        """Newest second of every chain, by underlying."""
        rows = await self._reader.rows(NEWEST_UNDERLYINGS)
        return encode(sorted(rows, key=lambda row: row["underlying"])) if rows else None

    async def chains(self, product: str) -> bytes | None:
        """Newest second of every expiry of a chain, nearest expiry first."""
        newest = await self._reader.row(NEWEST_CHAIN, {"product": product})
        if newest is None:
            return None
        parameters = {"venue": newest["venue"], "product": newest["underlying"], "ts": newest["ts"], "reach": REACH_S}
        summaries = await self._reader.rows(CHAIN_SECONDS, parameters)
        options = await self._reader.rows(OPTION_SECONDS, parameters)
        return encode(join_rows(summaries, options))


def join_rows(summaries: Iterable[Row], options: Iterable[Row]) -> Chains:
    """Rows of both tables as chains, in the order of the summaries; options join by expiry and second."""
    by_second: dict[Any, list[SurfaceRecord]] = {}
    for row in options:
        by_second.setdefault((row["expiry"], row["ts"]), []).append(as_record(row, SurfaceRecord))
    return [
        ExpiryChain(as_record(row, ChainRecord), by_second.get((row["expiry"], row["ts"]), [])) for row in summaries
    ]

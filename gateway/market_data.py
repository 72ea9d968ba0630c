"""Newest values: from Redis, or from the database where Redis has none or is unavailable."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from msgspec import Raw, Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.envelope import DECODE_ERRORS
from gateway import redis_names
from gateway.catalog import BookName, Catalog
from gateway.chains import ExpiryChain
from gateway.database import Database
from gateway.encoding import Row, encode
from gateway.freshness import Freshness, Source, StateRecord, judge
from market.options.records import ChainRecord, SurfaceRecord, UnderlyingTick
from reader.chain_database import as_record

ASIDE_S = 5  # life of a database's answer in Redis
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
CHAIN_SECONDS = (
    "SELECT DISTINCT ON (expiry) * FROM option_chain_metrics WHERE venue = %(venue)s AND underlying = %(product)s "
    "AND ts BETWEEN %(ts)s - %(reach)s * interval '1 s' AND %(ts)s ORDER BY expiry, ts DESC"
)
OPTION_SECONDS = (
    "SELECT DISTINCT ON (instrument) * FROM option_surface WHERE venue = %(venue)s AND underlying = %(product)s "
    "AND ts BETWEEN %(ts)s - %(reach)s * interval '1 s' AND %(ts)s ORDER BY instrument, ts DESC"
)

Chains = list[ExpiryChain]


class BookHead(Struct, frozen=True, gc=False):
    """Name and event time of a book's record, which is passed on as it is."""

    venue: str
    symbol: str
    event_time: int


class NewestBook(Struct, frozen=True):
    """Newest record of a book, encoded, and its freshness. From the database it has no levels."""

    book: Raw
    freshness: Freshness


_decode_head = msgspec.json.Decoder(BookHead).decode
_decode_state = msgspec.json.Decoder(StateRecord).decode
_decode_chains = msgspec.json.Decoder(Chains).decode
_decode_chain = msgspec.json.Decoder(ChainRecord).decode
_decode_option = msgspec.json.Decoder(SurfaceRecord).decode
_decode_underlying = msgspec.json.Decoder(UnderlyingTick).decode
_decode_underlyings = msgspec.json.Decoder(list[UnderlyingTick]).decode


class MarketData:
    """Reads newest values. `clock`: epoch seconds. Raises psycopg.Error or PoolTimeout if both stores fail."""

    def __init__(self, redis: Redis, reader: Database, stale_after_ms: float, clock: Callable[[], float]) -> None:
        self._redis, self._reader = redis, reader
        self._stale_after_ms, self._clock = stale_after_ms, clock
        self._catalog = Catalog(redis, clock)

    @property
    def now_ms(self) -> int:
        return int(self._clock() * 1000)

    async def book(self, venue: str, symbol: str) -> NewestBook | None:
        """Newest record of one book."""
        try:
            keys = redis_names.book_key(venue, symbol), redis_names.state_name(venue, symbol)
            line, state = await self._redis.mget(*keys)
        except RedisError:
            line = state = None
        if line is not None:
            return self._newest(line, _state(state), "redis")[1]
        line = await self._aside(f"book:{venue}:{symbol}", lambda: self._book_row(venue, symbol))
        if line is None:
            return None
        known = _state(state) or await self._stored_state(venue, symbol)
        return self._newest(line, known, "database")[1]

    async def books(self, venue: str | None = None) -> dict[BookName, NewestBook]:
        """Newest records of all books, or those of one venue, by name."""
        names = [name for name in await self.known_books() if venue in (None, name[0])]
        try:
            lines = await self._mget(redis_names.book_key(*name) for name in names)
        except RedisError:
            found = {name: await self.book(*name) for name in names}
            return {name: book for name, book in found.items() if book is not None}
        states = await self.states(names)
        pairs = zip(lines, states, strict=True)
        newest = [self._newest(line, state, "redis") for line, state in pairs if line is not None]
        return {name: book for name, book in newest}

    async def cached_books(self, names: Iterable[BookName]) -> dict[BookName, NewestBook]:
        """Newest records of these books in Redis, by the given names, in one request. Raises RedisError."""
        wanted = list(names)
        keys = [redis_names.book_key(*name) for name in wanted] + [redis_names.state_name(*name) for name in wanted]
        lines = await self._mget(keys)
        found = zip(wanted, lines[: len(wanted)], lines[len(wanted) :], strict=True)
        return {name: self._newest(line, _state(state), "redis")[1] for name, line, state in found if line is not None}

    async def known_books(self) -> list[BookName]:
        """Venue and symbol of every book."""
        try:
            names = (await self._catalog.names()).books
        except RedisError:
            names = []
        if names:
            return names
        return [(row["venue"], row["symbol"]) for row in await self._reader.rows(KNOWN_BOOKS)]

    async def products(self) -> list[Row]:
        """Underlyings with options, and books: type, venue and symbol of each."""
        names = [("underlying", each.venue, each.underlying) for each in await self.underlyings()]
        names += [("book", venue, symbol) for venue, symbol in await self.known_books()]
        return [{"type": kind, "venue": venue, "symbol": symbol} for kind, venue, symbol in names]

    async def underlyings(self) -> list[UnderlyingTick]:
        """Newest second of every chain, by underlying."""
        return [tick for tick, _ in await self._underlyings()]

    async def underlying(self, product: str) -> tuple[UnderlyingTick, Source] | None:
        """Newest second of one chain."""
        ticks = await self._underlyings()
        return next((each for each in ticks if each[0].underlying.upper() == product.upper()), None)

    async def _underlyings(self) -> list[tuple[UnderlyingTick, Source]]:
        try:
            lines = await self._mget((await self._catalog.names()).underlyings)
        except RedisError:
            lines = []
        if ticks := [_decode_underlying(line) for line in lines if line is not None]:
            return [(tick, "redis") for tick in ticks]
        line = await self._aside("underlyings", self._underlying_rows)
        return [(tick, "database") for tick in _decode_underlyings(line or b"[]")]

    async def chains(self, product: str) -> tuple[Chains, Source]:
        """Newest second of every expiry of a chain, nearest expiry first; empty for an unknown product."""
        try:
            keys = (await self._catalog.names()).chains.get(product.upper(), [])
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.hgetall(key)
                hashes = await pipeline.execute()
        except RedisError:
            hashes = []
        chains = [_expiry_chain(fields) for fields in hashes if b"summary" in fields]
        if chains:
            return sorted(chains, key=lambda each: each.summary.expiry), "redis"
        line = await self._aside(f"chain:{product.upper()}", lambda: self._chain_rows(product))
        return (_decode_chains(line) if line else []), "database"

    async def expiry(self, product: str, day: str) -> ExpiryChain | None:
        """One expiry as Redis has it. Raises RedisError."""
        reply: Any = self._redis.hgetall(f"chain:{product}:{day}")
        fields = await reply
        return _expiry_chain(fields) if b"summary" in fields else None

    async def freshness(
        self, venue: str, symbol: str, event_time: int | None, source: Source, history: bool = False
    ) -> Freshness:
        """Freshness of values of one book or chain. With `history`, old values are trusted as well."""
        longest_ms = float("inf") if history else self._stale_after_ms
        return judge(source, event_time, await self.state(venue, symbol), self.now_ms, longest_ms)

    async def state(self, venue: str, symbol: str) -> StateRecord | None:
        """Newest state of a book or chain."""
        try:
            line = await self._redis.get(redis_names.state_name(venue, symbol))
        except RedisError:
            line = None
        return _state(line) or await self._stored_state(venue, symbol)

    async def states(self, books: Iterable[BookName]) -> list[StateRecord | None]:
        """Newest states, in the order of `books`."""
        names = list(books)
        try:
            return [_state(line) for line in await self._mget(redis_names.state_name(*name) for name in names)]
        except RedisError:
            return [await self._stored_state(*name) for name in names]

    def _newest(self, line: bytes, state: StateRecord | None, source: Source) -> tuple[BookName, NewestBook]:
        head = _decode_head(line)
        fresh = judge(source, head.event_time, state, self.now_ms, self._stale_after_ms)
        return (head.venue, head.symbol), NewestBook(Raw(line), fresh)

    async def _mget(self, keys: Iterable[str]) -> list[bytes | None]:
        names = list(keys)
        return await self._redis.mget(names) if names else []

    async def _aside(self, name: str, load: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        """An answer of the database, kept in Redis for ASIDE_S."""
        key = redis_names.aside_key(name)
        try:
            stored: bytes | None = await self._redis.get(key)
        except RedisError:
            return await load()
        if stored is None and (stored := await load()) is not None:
            try:
                await self._redis.set(key, stored, ex=ASIDE_S)
            except RedisError:
                pass
        return stored

    async def _book_row(self, venue: str, symbol: str) -> bytes | None:
        row = await self._reader.row(NEWEST_BOOK, {"venue": venue, "symbol": symbol})
        return encode(row | {"bids": [], "asks": []}) if row else None

    async def _stored_state(self, venue: str, symbol: str) -> StateRecord | None:
        row = await self._reader.row(NEWEST_STATE, {"venue": venue, "symbol": symbol})
        return msgspec.convert(row, StateRecord) if row else None

    async def _underlying_rows(self) -> bytes | None:
        rows = await self._reader.rows(NEWEST_UNDERLYINGS)
        return encode(sorted(rows, key=lambda row: row["underlying"])) if rows else None

    async def _chain_rows(self, product: str) -> bytes | None:
        query = "SELECT venue, underlying, ts FROM option_chains WHERE upper(underlying) = upper(%(product)s) LIMIT 1"
        newest = await self._reader.row(query, {"product": product})
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


def _expiry_chain(fields: dict[bytes, bytes]) -> ExpiryChain:
    options = [_decode_option(line) for name, line in fields.items() if name != b"summary"]
    return ExpiryChain(_decode_chain(fields[b"summary"]), options)


def _state(line: bytes | None) -> StateRecord | None:
    try:
        return _decode_state(line) if line else None
    except DECODE_ERRORS:
        return None

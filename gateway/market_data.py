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
from gateway.chains import ExpiryChain, listed
from gateway.database import Database
from gateway.encoding import Row
from gateway.freshness import Freshness, Source, StateRecord, judge
from gateway.stored_values import Chains, StoredValues
from market.options.records import ChainRecord, SurfaceRecord, UnderlyingTick
from venues.registry import size_unit
from venues.sizes import base_coin

ASIDE_S = 5  # life of a database's answer in Redis


class BookHead(Struct, frozen=True, gc=False):
    """Name and event time of a book's record. The record itself is forwarded unchanged."""

    venue: str
    symbol: str
    event_time: int


class NewestBook(Struct, frozen=True):
    """Newest record of a book, encoded, and its freshness. From the database it has the best level alone."""

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
        self._redis, self._stored = redis, StoredValues(reader)
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
        line = await self._aside(f"book:{venue}:{symbol}", lambda: self._stored.book(venue, symbol))
        if line is None:
            return None
        known = _state(state) or await self._stored.state(venue, symbol)
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
        return names or await self._stored.known_books()

    async def products(self) -> list[Row]:
        """Underlyings with options, and books: type, venue, symbol and unit of the sizes of each."""
        chains = await self.underlyings()
        names = [("underlying", each.venue, each.underlying, base_coin(each.underlying)) for each in chains]
        names += [("book", venue, symbol, size_unit(venue, symbol)) for venue, symbol in await self.known_books()]
        return [dict(zip(("type", "venue", "symbol", "size_unit"), each, strict=True)) for each in names]

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
        line = await self._aside("underlyings", self._stored.underlyings)
        return [(tick, "database") for tick in _decode_underlyings(line or b"[]")]

    async def chains(self, product: str) -> tuple[Chains, Source]:
        """Newest second of every listed expiry of a chain, nearest expiry first; empty for an unknown product."""
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
            return listed(chains), "redis"
        line = await self._aside(f"chain:{product.upper()}", lambda: self._stored.chains(product))
        return listed(_decode_chains(line) if line else []), "database"

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
        return _state(line) or await self._stored.state(venue, symbol)

    async def states(self, books: Iterable[BookName]) -> list[StateRecord | None]:
        """Newest states, in the order of `books`."""
        names = list(books)
        try:
            return [_state(line) for line in await self._mget(redis_names.state_name(*name) for name in names)]
        except RedisError:
            return [await self._stored.state(*name) for name in names]

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


def _expiry_chain(fields: dict[bytes, bytes]) -> ExpiryChain:
    options = [_decode_option(line) for name, line in fields.items() if name != b"summary"]
    return ExpiryChain(_decode_chain(fields[b"summary"]), options)


def _state(line: bytes | None) -> StateRecord | None:
    try:
        return _decode_state(line) if line else None
    except DECODE_ERRORS:
        return None

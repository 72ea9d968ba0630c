"""Newest values as frames, which a new member of a room gets before the updates."""

import msgspec
from redis.asyncio import Redis

from gateway.chains import full_chain
from gateway.freshness import Source, StateRecord
from gateway.market_data import MarketData
from gateway.sockets import payloads
from gateway.sockets.frames import event_frame, frame_of
from gateway.sockets.rooms import NEWEST_ALERT_COUNT, Keyed, RoomName
from market.cache_messages import NEWEST_ALERTS
from market.options.records import ChainRecord, UnderlyingTick


class Subject(msgspec.Struct, frozen=True, gc=False):
    """Book or chain of an alert. The record itself is forwarded unchanged."""

    venue: str
    symbol: str


_decode_subject = msgspec.json.Decoder(Subject).decode
States = dict[tuple[str, str], StateRecord]  # by venue and symbol in upper case


class NewestFrames:
    """Reads newest values. `states`: the known states; a missing one is read from Redis or the database."""

    def __init__(self, market: MarketData, redis: Redis, states: States) -> None:
        self._market, self._redis, self._states = market, redis, states

    async def of(self, name: RoomName) -> list[Keyed]:
        """Newest frames of a room by key. Raises RedisError, psycopg.Error or PoolTimeout."""
        match name.kind:
            case "book":
                return await self._book(*name.book)
            case "record":
                return await self._record(*name.book)
            case "product":
                return await self._underlying(name.symbol) + await self._chain(name.symbol, False)
            case "chain":
                return await self._chain(name.symbol, True)
            case "alerts":
                return await self._alerts(name.symbol)
            case "trades":
                return []

    async def _book(self, venue: str, symbol: str) -> list[Keyed]:
        newest = await self._market.book(venue, symbol)
        if newest is None:
            return []
        if (state := await self._market.state(venue, symbol)) is not None:
            self._states.setdefault((venue, symbol), state)
        frame = event_frame("book_update", payloads.newest_book(venue, newest))
        return [(("book", venue, symbol), frame)]

    async def _record(self, venue: str, symbol: str) -> list[Keyed]:
        newest = await self._market.book(venue, symbol)
        if newest is None:
            return []
        return [(("record", venue, symbol), event_frame("book_record", payloads.book_record(newest)))]

    async def _underlying(self, product: str) -> list[Keyed]:
        found = await self._market.underlying(product)
        if found is None:
            return []
        tick, source = found
        trust = await self._trust(tick, source)
        return [(("product", product), frame_of("underlying_update", payloads.underlying_update(tick, None) | trust))]

    async def _chain(self, product: str, full: bool) -> list[Keyed]:
        """Expiries of a chain. As over REST, the newest of a venue's expiries says how old the chain is."""
        chains, source = await self._market.chains(product)
        newest = {each.venue: each for each in sorted((c.summary for c in chains), key=lambda each: each.event_time)}
        trust = {venue: await self._trust(each, source) for venue, each in newest.items()}
        frames: list[Keyed] = []
        for chain in chains:
            own = trust[chain.summary.venue]
            summary = payloads.chain_summary(chain.day, chain.summary, None) | own
            frames.append((("summary", product, chain.day), frame_of("chain_summary", summary)))
            if full:
                update = payloads.chain_update(chain, full_chain(chain), None) | own
                frames.append((("chain", product, chain.day), frame_of("chain_update", update)))
        return frames

    async def _trust(self, record: ChainRecord | UnderlyingTick, source: Source) -> payloads.Message:
        """Trust in the newest record of a chain: by its state, and by its age."""
        await self.state_of(record.venue, record.underlying)
        return payloads.trust_of(
            await self._market.freshness(record.venue, record.underlying, record.event_time, source)
        )

    async def _alerts(self, symbol: str) -> list[Keyed]:
        lines = await self._redis.zrange(NEWEST_ALERTS, 0 if symbol else -NEWEST_ALERT_COUNT, -1)
        wanted = [line for line in lines if not symbol or _is_of(line, symbol)]
        return [(("alert", line), event_frame("alert", line)) for line in wanted[-NEWEST_ALERT_COUNT:]]

    async def state_of(self, venue: str, symbol: str) -> StateRecord | None:
        """State of a book or chain: the known one, or the stored one."""
        name = venue, symbol.upper()
        if name not in self._states and (state := await self._market.state(venue, symbol)) is not None:
            self._states.setdefault(name, state)
        return self._states.get(name)


def _is_of(line: bytes, symbol: str) -> bool:
    alert = _decode_subject(line)
    return f"{alert.venue}:{alert.symbol.upper()}" == symbol

"""The hub of one process: rooms with members, fed by the Redis channels behind them."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from msgspec import Raw
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.envelope import DECODE_ERRORS
from gateway.chains import full_chain
from gateway.freshness import StateRecord
from gateway.market_data import MarketData
from gateway.metrics import GatewayMetrics
from gateway.sockets import payloads
from gateway.sockets.feed import Feed
from gateway.sockets.frames import event_frame, extended, frame_of
from gateway.sockets.newest import NewestFrames, States
from gateway.sockets.rooms import STATES, Room, RoomName, rooms_of
from gateway.sockets.stream import Stream
from market.cache_messages import StateMessage
from market.options.records import ChainRecord, UnderlyingTick

RECORD_DELAY_S = 0.08  # least time between two reads of the changed records of books, all in one request
CHAIN_DELAY_S = 0.25  # wait for the messages of one second of a chain; the expiry is then read and sent once

log = structlog.get_logger("gateway")
_decode_state = msgspec.json.Decoder(StateMessage).decode
_decode_tick = msgspec.json.Decoder(UnderlyingTick).decode
_decode_summary = msgspec.json.Decoder(ChainRecord).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode


class Hub:
    """Members of rooms get the newest values first, then every update, encoded once. Used in one event loop.

    `feed_redis`: a client without a timeout of reads, for the subscription.
    """

    def __init__(self, market: MarketData, feed_redis: Redis, metrics: GatewayMetrics) -> None:
        self._market, self._metrics = market, metrics
        self._feed = Feed(feed_redis, self._on_connection)
        self._general: set[Stream] = set()
        self._rooms: dict[RoomName, Room] = {}
        self._states: States = {}
        self._newest = NewestFrames(market, feed_redis, self._states)
        self._handlers: dict[str, Callable[[str, bytes], None]] = {
            "orderbook": self._on_book,
            "trades": self._on_trade,
            "status": self._on_state,
            "underlying": self._on_underlying,
            "chain": self._on_chain,
            "alerts": self._on_alert,
        }
        self._delayed: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._changed_records: set[RoomName] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """True while the subscription to Redis works."""
        return self._feed.connected

    async def run(self) -> None:
        """Distribute messages until cancelled."""
        await self._feed.want([STATES])
        async for channel, data in self._feed.messages():
            self._metrics.updates.inc()
            try:
                self._handlers[channel.partition(":")[0]](channel, data)
            except (*DECODE_ERRORS, KeyError, IndexError) as error:
                log.warning("unusable message", channel=channel, error=str(error))

    def welcome(self, member: Stream) -> None:
        """Add a client to the room `general`."""
        self._general.add(member)

    async def join(self, member: Stream, name: RoomName, subscribed: bytes) -> bool:
        """Add a client to a room. False if there is no value yet.

        It gets the frame `subscribed`, then the newest values, then all that is published after that frame was sent.
        """
        while True:
            room = self._rooms.get(name)
            if room is None:
                room = self._rooms[name] = Room(name)
                await self._feed.want(name.channels)
                self._metrics.channels.set(len(self._feed))
            await self._feed.confirmed(name.channels)
            await self._refresh(room)
            if self._rooms.get(name) is room:  # else its last member left while it was read
                member.send_event("subscribed", subscribed)
                room.admit(member)
                return bool(room.latest)

    async def leave(self, member: Stream, name: RoomName) -> None:
        """Remove a client from a room. The last one ends the subscription to its channels."""
        room = self._rooms.get(name)
        if room is None:
            return
        room.members.discard(member)
        if not room.members:
            del self._rooms[name]
            await self._feed.release(name.channels)
            self._metrics.channels.set(len(self._feed))

    def forget(self, member: Stream) -> None:
        """Remove a client from the room `general`."""
        self._general.discard(member)

    async def _refresh(self, room: Room) -> None:
        """Read the newest values of a room if they are old. Updates that come meanwhile are newer and stay."""
        try:
            await room.refresh(self._newest.of)
        except (RedisError, DatabaseError, PoolTimeout, *DECODE_ERRORS) as error:
            log.warning("newest values not read", room=str(room.name), error=str(error))

    def _on_book(self, channel: str, data: bytes) -> None:
        _, venue, symbol = channel.split(":", 2)
        room = self._rooms.get(RoomName("book", f"{venue}:{symbol}"))
        if room is not None:
            payload = payloads.book_update(venue, self._states.get((venue, symbol)), data)
            self._sent(room.publish(("book", venue, symbol), event_frame("book_update", payload)))

        record = RoomName("record", f"{venue}:{symbol}")
        if record in self._rooms:
            if not self._changed_records:
                asyncio.get_running_loop().call_later(RECORD_DELAY_S, lambda: self._start(self._publish_records()))
            self._changed_records.add(record)

    async def _publish_records(self) -> None:
        """Read the changed records, which the channels do not carry, and publish them."""
        names, self._changed_records = self._changed_records, set()
        found = await self._market.cached_books(name.book for name in names)
        for (venue, symbol), newest in found.items():
            room = self._rooms.get(RoomName("record", f"{venue}:{symbol}"))
            if room is not None:
                frame = event_frame("book_record", payloads.book_record(newest))
                self._sent(room.publish(("record", venue, symbol), frame))

    def _on_trade(self, channel: str, data: bytes) -> None:
        _, venue, symbol = channel.split(":", 2)
        room = self._rooms.get(RoomName("trades", f"{venue}:{symbol}"))
        if room is not None:
            self._sent(room.publish_event("trade", event_frame("trade", extended({"venue": venue}, data))))

    def _on_state(self, channel: str, data: bytes) -> None:
        message = _decode_state(data)
        venue, symbol = channel.split(":", 2)[1:]
        self._states[venue, symbol] = StateRecord(message.state, message.reason, message.since)
        for name in rooms_of(venue, symbol):
            if (room := self._rooms.get(name)) is not None:
                room.outdated = True
        frame = event_frame("status", extended({"trusted": message.state == "synced"}, data))
        for member in self._general:
            member.send_latest(("status", venue, symbol), frame)
        self._sent(len(self._general))

    def _on_underlying(self, channel: str, data: bytes) -> None:
        tick = _decode_tick(data)
        product = tick.underlying.upper()
        room = self._rooms.get(RoomName("product", product))
        if room is not None:
            payload = payloads.underlying_update(tick, self._states.get((tick.venue, product)))
            self._sent(room.publish(("product", product), frame_of("underlying_update", payload)))

    def _on_chain(self, channel: str, data: bytes) -> None:
        _, product, day = channel.split(":", 2)
        fields = _decode_fields(data)
        if "summary" in fields:
            self._publish_summary(product, day, _decode_summary(fields.pop("summary")))
        if RoomName("chain", product) in self._rooms and (product, day) not in self._delayed:
            loop = asyncio.get_running_loop()
            self._delayed[product, day] = loop.call_later(CHAIN_DELAY_S, self._start, self._publish_chain(product, day))

    def _publish_summary(self, product: str, day: str, summary: ChainRecord) -> None:
        payload = payloads.chain_summary(day, summary, self._states.get((summary.venue, product)))
        frame, key = frame_of("chain_summary", payload), ("summary", product, day)
        members: set[Stream] = set()
        for kind in ("product", "chain"):
            if (room := self._rooms.get(RoomName(kind, product))) is not None:
                room.keep(key, frame)
                members |= room.members
        for member in members:
            member.send_latest(key, frame)
        self._sent(len(members))

    async def _publish_chain(self, product: str, day: str) -> None:
        self._delayed.pop((product, day), None)
        chain = await self._market.expiry(product, day)
        room = self._rooms.get(RoomName("chain", product))
        if chain is not None and room is not None:
            state = await self._newest.state_of(chain.summary.venue, product)
            payload = payloads.chain_update(chain, full_chain(chain), state)
            self._sent(room.publish(("chain", product, day), frame_of("chain_update", payload)))

    def _on_alert(self, channel: str, data: bytes) -> None:
        room = self._rooms.get(RoomName("alerts", channel.partition(":")[2]))
        if room is not None:
            frame = event_frame("alert", data)
            room.keep(("alert", data), frame)
            self._sent(room.publish_event("alert", frame))

    async def _on_connection(self, connected: bool) -> None:
        """Send the state of the feed to every client.

        After a reconnection, read all newest values again, since channels have no replay.
        """
        self._metrics.redis_up.set(connected)
        reason = "subscribed to Redis" if connected else "no connection to Redis: values are not updated"
        status = {"feed": "redis", "trusted": connected, "state": "synced" if connected else "stale", "reason": reason}
        frame = frame_of("status", status)
        for member in self._general:
            member.send_latest(("status", "feed"), frame)
        if connected:
            self._states.clear()
            for room in list(self._rooms.values()):
                await self._renew(room)

    async def _renew(self, room: Room) -> None:
        before = room.latest
        room.outdated = True
        await self._refresh(room)
        for key, frame in room.newest.items():
            if key not in room.published and before.get(key) != frame:
                for member in room.members:
                    member.send_latest(key, frame)

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Any) -> None:
        try:
            await work
        except (RedisError, DatabaseError, PoolTimeout, *DECODE_ERRORS) as error:
            log.warning("newest values not read", error=str(error))

    def _sent(self, count: int) -> None:
        self._metrics.sent.inc(count)

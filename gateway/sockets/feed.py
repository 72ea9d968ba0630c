"""The subscription to Redis' channels: to those that clients want, renewed after each reconnection."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

SILENCE_S = 3  # after this time without a message a PING checks the connection; its reply may take as long
RETRY_S = (0.1, 0.2, 0.5, 1.0)
IDLE_CHANNEL = "gateway:idle"  # always subscribed, since a connection needs a channel

Message = tuple[str, bytes]  # channel and data
OnConnection = Callable[[bool], Awaitable[None]]


class Feed:
    """Messages of the wanted channels. `on_connection(True)` is awaited after each subscription to all of them."""

    def __init__(self, redis: Redis, on_connection: OnConnection) -> None:
        self._redis, self._on_connection = redis, on_connection
        self._wanted: Counter[str] = Counter()
        self._pubsub: PubSub | None = None
        self._unconfirmed: dict[str, asyncio.Event] = {}
        self.connected = False

    def __len__(self) -> int:
        return len(self._wanted)

    async def want(self, channels: Iterable[str]) -> None:
        """Subscribe to channels; those with an asterisk are patterns. Returns at once while Redis is not connected."""
        added = [each for each in channels if not self._wanted[each]]
        self._wanted.update(channels)
        if self._pubsub is not None:
            self._unconfirmed.update({each: asyncio.Event() for each in added})
        await self._command("subscribe", added)

    async def confirmed(self, channels: Iterable[str]) -> None:
        """Wait until Redis has confirmed these subscriptions: a message published after this is received."""
        for each in channels:
            if (event := self._unconfirmed.get(each)) is not None:
                await event.wait()

    async def release(self, channels: Iterable[str]) -> None:
        """Undo one `want` of these channels."""
        self._wanted.subtract(channels)
        ended = [each for each in channels if self._wanted[each] <= 0]
        for each in ended:
            del self._wanted[each]
            self._confirm(each)
        await self._command("unsubscribe", ended)

    async def messages(self) -> AsyncIterator[Message]:
        """Messages until the task is cancelled; lost connections are replaced."""
        failures = 0
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(IDLE_CHANNEL)
                    self._pubsub = pubsub
                    await self._command("subscribe", list(self._wanted))
                    self.connected, failures = True, 0
                    await self._on_connection(True)
                    async for kind, channel, data in _listen(pubsub):
                        if kind in ("message", "pmessage"):
                            yield channel, data
                        elif kind in ("subscribe", "psubscribe"):
                            self._confirm(channel)
            except (RedisError, OSError):
                self._pubsub = None
                for channel in list(self._unconfirmed):
                    self._confirm(channel)
                if self.connected:
                    self.connected = False
                    await self._on_connection(False)
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1

    def _confirm(self, channel: str) -> None:
        if (event := self._unconfirmed.pop(channel, None)) is not None:
            event.set()

    async def _command(self, verb: str, channels: list[str]) -> None:
        if self._pubsub is None:
            return
        patterns = [each for each in channels if "*" in each]
        plain = [each for each in channels if "*" not in each]
        try:
            if patterns:
                await getattr(self._pubsub, f"p{verb}")(*patterns)
            if plain:
                await getattr(self._pubsub, verb)(*plain)
        except (RedisError, OSError):
            return  # the reading side sees the same failure and subscribes again


async def _listen(pubsub: PubSub) -> AsyncIterator[tuple[str, str, bytes]]:
    """Messages of one connection: kind, channel, data. Raises RedisError when it is lost or does not answer a PING."""
    asked = False
    while True:
        message = await pubsub.get_message(timeout=SILENCE_S)
        if message is None:
            if asked:
                raise RedisError("no reply")
            await pubsub.ping()
            asked = True
            continue
        asked = False
        if message["type"] != "pong":
            yield message["type"], message["channel"].decode(), message["data"]

"""Rooms: names, the Redis channels behind them, and the newest frames that a new member gets first."""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from gateway import redis_names
from gateway.sockets.stream import Stream
from market.cache_messages import ALERTS

GENERAL = "general"
STATES = "status:*:*"  # pattern of the channels of every state
NEWEST_ALERT_COUNT = 20
FRESH_S = 1.0  # newest values that were read longer ago are read again for a new member
Keyed = tuple[Hashable, bytes]  # a frame and what it is the newest value of
Kind = Literal["product", "chain", "book", "record", "alerts", "trades"]
KINDS: tuple[Kind, ...] = ("product", "chain", "book", "record", "alerts", "trades")
PRODUCT = re.compile(r"[A-Za-z0-9_.-]{1,32}")
BOOK = re.compile(r"[a-z0-9_]{1,32}:[A-Za-z0-9_./-]{1,64}")


class RoomError(ValueError):
    """A subscription that names no room; the text says what was expected."""


@dataclass(frozen=True)
class RoomName:
    """A room: its kind and its product, its `venue:SYMBOL`, or nothing for all alerts."""

    kind: Kind
    symbol: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.symbol}" if self.symbol else self.kind

    @property
    def book(self) -> tuple[str, str]:
        """Venue and symbol of a room of a book, its records or its trades."""
        venue, _, symbol = self.symbol.partition(":")
        return venue, symbol

    @property
    def channels(self) -> list[str]:
        """Redis channels of this room; those with an asterisk are patterns."""
        match self.kind:
            case "product":
                return [redis_names.underlying_pattern(self.symbol), redis_names.chain_pattern(self.symbol)]
            case "chain":
                return [redis_names.chain_pattern(self.symbol)]
            case "book" | "record":
                return [redis_names.book_channel(*self.book)]
            case "trades":
                return [redis_names.trades_channel(*self.book)]
            case "alerts":
                return [f"{ALERTS}:{self.symbol}" if self.symbol else ALERTS]


def parse_room(data: object) -> RoomName:
    """The room of `{type, symbol}`. Raises RoomError."""
    if not isinstance(data, dict) or data.get("type") not in KINDS:
        raise RoomError(f"type: expected one of {', '.join(KINDS)}")
    kind, symbol = data["type"], data.get("symbol") or ""
    if kind == "alerts" and not symbol:
        return RoomName(kind)
    if kind in ("product", "chain"):
        if not (isinstance(symbol, str) and PRODUCT.fullmatch(symbol)):
            raise RoomError("symbol: expected an underlying such as BTC")
        return RoomName(kind, symbol.upper())
    if not (isinstance(symbol, str) and BOOK.fullmatch(symbol)):
        raise RoomError("symbol: expected venue:symbol")
    venue, _, name = symbol.partition(":")
    return RoomName(kind, f"{venue}:{name.upper()}")


def rooms_of(venue: str, symbol: str) -> list[RoomName]:
    """Rooms whose frames carry the state of this book or chain; the symbol is in upper case."""
    book = f"{venue}:{symbol}"
    return [RoomName("book", book), RoomName("record", book), RoomName("product", symbol), RoomName("chain", symbol)]


@dataclass
class Room:
    """Members, and the newest frame of each key, which a new member gets before what changes.

    `newest`: frames as they were read; `published`: those that were published since that reading began. Trust is part
    of a frame, so a change of the state outdates all of them.
    """

    name: RoomName
    members: set[Stream] = field(default_factory=set)
    newest: dict[Hashable, bytes] = field(default_factory=dict)
    published: dict[Hashable, bytes] = field(default_factory=dict)
    read_at: float = -math.inf  # seconds of the event loop's clock
    outdated: bool = False
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def latest(self) -> dict[Hashable, bytes]:
        """The newest frame of each key; of alerts the newest NEWEST_ALERT_COUNT, oldest first."""
        frames = self.newest | self.published
        if self.name.kind == "alerts":
            return dict(list(frames.items())[-NEWEST_ALERT_COUNT:])
        return frames

    async def refresh(self, read: Callable[[RoomName], Awaitable[Iterable[Keyed]]]) -> None:
        """Read the newest frames, unless that was within FRESH_S and no state has changed since then.

        Raises what `read` raises; there are no frames then but those that are published.
        """
        async with self.reading:
            now = asyncio.get_running_loop().time
            while self.outdated or now() - self.read_at >= FRESH_S:
                self.outdated, self.read_at = False, -math.inf
                self.newest.clear()
                self.published.clear()
                self.newest.update(await read(self.name))
                self.read_at = now()

    def keep(self, key: Hashable, frame: bytes) -> None:
        """Replace the frame of a key. Of alerts, which have a key each, the oldest go."""
        self.published[key] = frame
        while self.name.kind == "alerts" and len(self.published) > NEWEST_ALERT_COUNT:
            del self.published[next(iter(self.published))]

    def publish(self, key: Hashable, frame: bytes) -> int:
        """Send the newest value of a key to every member; returns their number."""
        self.keep(key, frame)
        for member in self.members:
            member.send_latest(key, frame)
        return len(self.members)

    def publish_event(self, kind: str, frame: bytes) -> int:
        """Send an event to every member; returns their number."""
        for member in self.members:
            member.send_event(kind, frame)
        return len(self.members)

    def admit(self, member: Stream) -> None:
        """Add a member and send it the newest frames."""
        self.members.add(member)
        for key, frame in self.latest.items():
            member.send_latest(key, frame)

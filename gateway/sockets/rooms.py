"""Rooms: names, the Redis channels behind them, and the newest frames that a new member gets first."""

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Literal

from gateway import redis_names
from gateway.sockets.stream import Stream
from market.cache_messages import ALERTS

GENERAL = "general"
STATES = "status:*:*"  # pattern of the channels of every state
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


@dataclass
class Room:
    """Members, and the newest frame of each key, which a new member gets before what changes."""

    name: RoomName
    members: set[Stream] = field(default_factory=set)
    latest: dict[Hashable, bytes] = field(default_factory=dict)
    primed: bool = False

    def publish(self, key: Hashable, frame: bytes) -> int:
        """Send the newest value of a key to every member; returns their number."""
        self.latest[key] = frame
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

"""What every feed shares: the shape a keeper drives, what it keeps over a restart, and the connections it heard."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from market.book import Book
from market.envelope import Heard
from market.life import Origin
from market.records import Envelope
from market.venues.wire import Kind

_encode = msgspec.msgpack.Encoder().encode
CONNECTIONS = 8  # a forwarder killed without a word leaves its name behind: more than these are forgotten, oldest first


Take = Callable[[Heard[Any]], None]


class Feed(Protocol):
    """One key's book and the rule that keeps it in step. All state lies in `state`, `books` and `held`."""

    state: Any
    books: tuple[Book, ...]
    held: "Held"
    frame_type: Any  # of what is held
    takes: Mapping[Kind, "Take"]  # how each kind of frame is taken; they raise `Unusable` before anything was changed

    def kind(self, channel: str) -> Kind | None:
        """What a channel carries, None when it is not one of the venue's."""

    def decode_book(self, value: bytes) -> Heard[Any]:
        """An envelope with a book frame, in one pass; raises msgspec's errors for anything else."""

    def parse(self, kind: Kind, frame: bytes) -> Any:
        """The event in one frame, None for what concerns no book; raises msgspec's errors and `Unusable`."""

    def connection(self, envelope: Envelope) -> None:
        """Take a connection event."""

    def passed(self, origin: Origin) -> None:
        """A frame in the book's stream concerned no book."""

    def rejected(self, origin: Origin) -> None:
        """A book frame from there could not be used."""


class Held:
    """Updates that wait for a snapshot. `fresh`: how many no journal saw; `cleared`: those that one saw are gone."""

    __slots__ = ("cleared", "frames", "fresh")

    def __init__(self) -> None:
        self.frames: list[Heard[Any]] = []
        self.fresh = 0
        self.cleared = False

    def add(self, heard: Heard[Any]) -> None:
        """Hold one more."""
        self.frames.append(heard)
        self.fresh += 1

    def clear(self) -> list[Heard[Any]]:
        """Let all go, and return them."""
        frames, self.frames = self.frames, []
        self.fresh = 0
        self.cleared = True
        return frames

    def take(self, everything: bool) -> tuple[bool, list[bytes]]:
        """For the journal: whether to forget what it holds, and the frames to add, those it did not see or all."""
        frames = self.frames if everything else self.frames[len(self.frames) - self.fresh :]
        cleared = self.cleared or everything
        self.fresh, self.cleared = 0, False
        return cleared, [_encode(heard) for heard in frames]

    def give(self, cleared: bool, frames: list[Heard[Any]]) -> None:
        """From the journal: what `take` gave it."""
        self.frames = frames if cleared else self.frames + frames


class Connections(Struct, array_like=True):
    """The connections that brought updates, and when each last did (receive time, µs)."""

    heard: dict[str, int] = {}

    def hear(self, origin: Origin) -> None:
        """An update came on this connection."""
        self.heard[origin.conn] = origin.recv_us
        if len(self.heard) > CONNECTIONS:
            del self.heard[min(self.heard, key=self.heard.__getitem__)]

    def lose(self, conn: str, now_us: int, quiet_us: int) -> bool:
        """Whether `conn`, which is gone, was the last that brought updates within `quiet_us`."""
        known = self.heard.pop(conn, None) is not None
        return known and all(now_us - last > quiet_us for last in self.heard.values())

"""Shared parts of the venues' book synchronisation: the interface, buffered updates and known connections."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from core.envelope import TypedEnvelope
from core.records import Envelope
from market.orderbook.book import Book
from market.orderbook.book_config import BookConfig
from market.orderbook.feed_types import ChannelKind
from market.orderbook.record_writer import RecordWriter
from market.orderbook.sync_state import Origin, SyncState

_encode = msgspec.msgpack.Encoder().encode
CONNECTIONS = 8  # a forwarder that was killed publishes no disconnect; beyond this number the oldest are forgotten

FrameHandler = Callable[[TypedEnvelope[Any]], None]


class BookSync(Protocol):
    """One key's book and the venue's rule that keeps it in sync. `state`, `books` and `pending` are the whole state.

    `handlers`: the function for each kind of frame. A handler raises `InvalidRecord` before it changes anything.
    `pending_type`: type of the envelopes in `pending`, None for a venue that buffers nothing.
    """

    state: Any
    books: tuple[Book, ...]
    pending: "PendingUpdates"
    pending_type: Any
    handlers: Mapping[ChannelKind, FrameHandler]

    def channel_kind(self, channel: str) -> ChannelKind | None:
        """Kind of the frames on a channel; None for a channel that the venue does not have."""

    def decode_book(self, value: bytes) -> TypedEnvelope[Any]:
        """Decode an envelope with a book frame in one pass. Raises msgspec's errors for anything else."""

    def parse(self, kind: ChannelKind, frame: bytes) -> Any:
        """Event in one frame; None for a frame without market data. Raises msgspec's errors and `InvalidRecord`."""

    def on_connection_event(self, envelope: Envelope) -> None:
        """Process the start or end of a connection, or its loss of frames."""

    def on_ignored_frame(self, origin: Origin) -> None:
        """Process the position of a frame without market data in the book's stream."""

    def on_rejected_frame(self, origin: Origin) -> None:
        """Process the position of a book frame that was rejected."""


OpenBookSync = Callable[[str, SyncState, RecordWriter, BookConfig], BookSync]  # the first argument is the symbol


class PendingUpdates:
    """Updates that wait for a snapshot. `unsaved`: number of the newest that are not in the journal yet.

    `cleared`: the updates in the journal do not wait any more.
    """

    __slots__ = ("cleared", "frames", "unsaved")

    def __init__(self) -> None:
        self.frames: list[TypedEnvelope[Any]] = []
        self.unsaved = 0
        self.cleared = False

    def add(self, envelope: TypedEnvelope[Any]) -> None:
        """Append one update."""
        self.frames.append(envelope)
        self.unsaved += 1

    def clear(self) -> list[TypedEnvelope[Any]]:
        """Remove and return all updates."""
        frames, self.frames = self.frames, []
        self.unsaved = 0
        self.cleared = True
        return frames

    def retain(self, frames: list[TypedEnvelope[Any]]) -> None:
        """Remove all updates but these."""
        self.frames = frames
        self.unsaved = len(frames)
        self.cleared = True

    def take_unsaved(self, everything: bool) -> tuple[bool, list[bytes]]:
        """Return a journal entry's `cleared` flag and the encoded updates to add: the unsaved ones, or all of them."""
        frames = self.frames if everything else self.frames[len(self.frames) - self.unsaved :]
        cleared = self.cleared or everything
        self.unsaved, self.cleared = 0, False
        return cleared, [_encode(envelope) for envelope in frames]

    def restore(self, cleared: bool, frames: list[TypedEnvelope[Any]]) -> None:
        """Apply one journal entry made of the result of `take_unsaved`."""
        self.frames = frames if cleared else self.frames + frames


class Connections(Struct, array_like=True):
    """Receive time (µs) of the last update on each connection that brought any."""

    last_update_us: dict[str, int] = {}

    def record_update(self, origin: Origin) -> None:
        """Note the receive time of an update."""
        self.last_update_us[origin.conn] = origin.recv_us
        if len(self.last_update_us) > CONNECTIONS:
            del self.last_update_us[min(self.last_update_us, key=self.last_update_us.__getitem__)]

    def disconnect(self, conn: str, now_us: int, quiet_us: int) -> bool:
        """Forget `conn`; True if it brought updates and no other connection did within `quiet_us`."""
        known = self.last_update_us.pop(conn, None) is not None
        return known and all(now_us - last > quiet_us for last in self.last_update_us.values())

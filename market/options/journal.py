"""A chain's state as a journal of net changes: what a batch writes grows with the options it touched.

Entries are MessagePack arrays, version first. When the journal has grown to twice the chain, one entry that holds the
whole chain replaces it: the same shape, all options in it.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from market.journal import Append, Replace, UnknownVersion
from market.options.buildup import BuildUpWindow, Sample
from market.options.chain import Chain, Stored

VERSION = 1
SLACK_BYTES = 16_384  # a small chain is not rewritten every few batches
OPTION_BYTES = 192


class Clock(Struct, array_like=True, gc=False):
    """Where a keeper is: its second, whether that is still to be said, and whether it was said to be stale."""

    second: int = 0
    unsaid: bool = False
    stale: bool = False


class Entry(Struct, array_like=True, gc=False):
    """One batch. `samples` of the build-up window: the new one, if there is one; of a whole chain, all."""

    version: int
    clock: Clock
    index: tuple[int, float]
    gone: list[str]
    options: list[Stored]
    samples: list[Sample]


_encode = msgspec.msgpack.Encoder().encode
_entry = msgspec.msgpack.Decoder(Entry).decode
_version = msgspec.msgpack.Decoder(list[Any]).decode


class ChainJournal:
    """Decides what to write after each batch. `size` is what the key's state holds by now, in bytes."""

    def __init__(self) -> None:
        self._size = 0
        self._header = b""

    def write(self, clock: Clock, chain: Chain, build_up: BuildUpWindow) -> Append | Replace | None:
        """The entry for what changed since the last call; None when nothing did."""
        header, (options, gone), samples = _encode((clock, chain.index)), chain.take_changes(), build_up.take_change()
        if header == self._header and not (options or gone or samples):
            return None
        self._header = header
        whole = self._size > 2 * OPTION_BYTES * len(chain) + SLACK_BYTES
        if whole:
            self._size, options, gone, samples = 0, chain.stored(), [], build_up.stored()
        entry = _encode(Entry(VERSION, clock, chain.index, gone, options, samples))
        self._size += len(entry)
        return Replace(entry) if whole else Append(entry)

    def read(self, entries: Iterable[bytes], chain: Chain, build_up: BuildUpWindow) -> Clock:
        """Replays entries into an empty chain and window and returns the clock of the newest."""
        clock = Clock()
        for data in entries:
            if (version := _version(data)[0]) != VERSION:
                raise UnknownVersion(f"expected chain journal version {VERSION}, got {version}")
            entry = _entry(data)
            clock = entry.clock
            chain.load(entry.options, entry.gone, entry.index)
            build_up.load(entry.samples)
            self._size += len(data)
        self._header = _encode((clock, chain.index))
        return clock

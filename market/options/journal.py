"""Journal of a chain's state: one entry per batch, whose size grows with the options that the batch changed.

Entries are MessagePack arrays that begin with the version. When the journal has grown to about twice the size of the
chain, one entry with the whole chain replaces it. That entry has the same shape and contains every option.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Struct, field

from market.applied_clock import AppliedClock
from market.journal_entries import Append, Replace, UnknownVersion, version_of
from market.options.buildup import BuildUpWindow, Sample
from market.options.chain import Chain, StoredOption

VERSION = 1
SLACK_BYTES = 16_384  # so that a small chain is not rewritten every few batches
OPTION_BYTES = 192  # estimated size of one stored option


class BuilderState(Struct, array_like=True, gc=False):
    """State of a builder other than its chain.

    `second`: the current second of event time. `pending`: its records are not emitted yet. `stale`: status `stale` was
    published, at `stale_ms`, and no quote was applied since. `quoted_us` was replaced by `quoted`, the clock of the
    applied quotes.
    """

    second: int = 0
    pending: bool = False
    stale: bool = False
    quoted_us: int = 0
    stale_ms: int = 0
    quoted: AppliedClock = field(default_factory=AppliedClock)


class JournalEntry(Struct, array_like=True, gc=False):
    """Changes of one batch. `index`: (time, price) of the newest index price. `evicted`: names of expired options.

    `samples` of the build-up window: the current one if it changed; all samples in an entry of the whole chain.
    `refused`: names and expiries of all options whose newest row was refused; None if they did not change.
    """

    version: int
    state: BuilderState
    index: tuple[int, float]
    evicted: list[str]
    options: list[StoredOption]
    samples: list[Sample]
    refused: list[tuple[str, int]] | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode_entry = msgspec.msgpack.Decoder(JournalEntry).decode


class ChainJournal:
    """Makes the entry to write after each batch. It tracks the bytes that the key's state holds."""

    def __init__(self) -> None:
        self._size = 0
        self._header = b""

    def write(self, state: BuilderState, chain: Chain, build_up: BuildUpWindow) -> Append | Replace | None:
        """Entry of the changes since the last call; None when nothing changed."""
        header, (options, evicted), samples, refused = (
            _encode((state, chain.index)),
            chain.take_changes(),
            build_up.take_changes(),
            chain.take_refused(),
        )
        if header == self._header and not (options or evicted or samples) and refused is None:
            return None
        self._header = header
        replace = self._size > 2 * OPTION_BYTES * len(chain) + SLACK_BYTES
        if replace:
            self._size, options, evicted, samples = 0, chain.stored_options(), [], build_up.samples()
            refused = chain.refused()
        entry = _encode(JournalEntry(VERSION, state, chain.index, evicted, options, samples, refused))
        self._size += len(entry)
        return Replace(entry) if replace else Append(entry)

    def read(self, entries: Iterable[bytes], chain: Chain, build_up: BuildUpWindow) -> BuilderState:
        """Apply entries to an empty chain and window, and return the state of the newest.

        Raises `UnknownVersion` for an entry that another version of the code wrote.
        """
        state = BuilderState()
        for data in entries:
            if (version := version_of(data)) != VERSION:
                raise UnknownVersion(f"expected chain journal version {VERSION}, got {version}")
            entry = _decode_entry(data)
            state = entry.state
            chain.load(entry.options, entry.evicted, entry.index)
            build_up.load(entry.samples)
            if entry.refused is not None:
                chain.load_refused(entry.refused)
            self._size += len(data)
        self._header = _encode((state, chain.index))
        return state

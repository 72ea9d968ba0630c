"""Builders in keyed state, as a snapshot and a journal of net changes instead of a whole book or chain per batch."""

from collections.abc import Callable, Iterable
from random import Random
from typing import Generic, Protocol, TypeVar

from pyflink.common.typeinfo import Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import ListStateDescriptor

from market.journal_entries import Append, Replace


class Journaled(Protocol):
    """State of one key that is saved as the entries of a journal.

    `memory_bytes`: estimated size in memory, at a cost that does not grow with the size.
    """

    @property
    def memory_bytes(self) -> int: ...
    def journal(self) -> Append | Replace | None: ...


JournaledType = TypeVar("JournaledType", bound=Journaled)
Opened = TypeVar("Opened", bound=Journaled, covariant=True)


class JournaledSpec(Protocol[Opened]):
    """Name of the state, and the function that makes a builder from a key and the entries of its journal."""

    @property
    def name(self) -> str: ...
    @property
    def open(self) -> Callable[[str, Iterable[bytes]], Opened]: ...


class StateBackedBuilders(Generic[JournaledType]):
    """Builders of one operator instance: a cache of decoded builders in front of keyed state, bounded by bytes.

    Keyed state holds everything about a builder after each batch, so a builder survives eviction and a crash. The cache
    belongs to the instance, not to a module: a thread-mode interpreter outlives jobs, a restarted task has a new
    instance. The encoded bytes have the type PICKLED_BYTE_ARRAY, the one byte type that reads back as `bytes` in both
    modes.

    The size of a builder is estimated when it is saved, which is once per batch. While the sum is above `cache_bytes`,
    one of the others is evicted at random. The one that was used longest ago would be the wrong one where keys come in
    turn, as books do: with a few keys more than fit, each would be evicted just before its next batch.
    """

    def __init__(self, context: RuntimeContext, spec: JournaledSpec[JournaledType], cache_bytes: int) -> None:
        descriptor = ListStateDescriptor(f"{spec.name}-journal", Types.PICKLED_BYTE_ARRAY())
        self._journal = context.get_list_state(descriptor)
        self._open = spec.open
        self._cache_bytes = cache_bytes
        self._builders: dict[str, JournaledType] = {}
        self._keys: list[str] = []  # of the sizes, in no order
        self._random = Random(0)
        self._sizes: dict[str, int] = {}
        self._current = ""
        self.bytes = 0  # estimated size of the cached builders

    def load(self, key: str) -> JournaledType:
        """The builder of the current key, from the cache or rebuilt from state."""
        builder = self._builders.get(key)
        if builder is None:
            builder = self._builders[key] = self._open(key, self._journal.get() or ())
        self._current = key
        return builder

    def save(self, builder: JournaledType) -> None:
        """Write the changes of the last batch: appended, or as a snapshot that replaces a journal grown too long.

        `builder` is that of the last `load`.
        """
        entry = builder.journal()
        self._evict(builder.memory_bytes)
        if entry is None:
            return
        if isinstance(entry, Replace):
            self._journal.update([entry.entry])
        else:
            self._journal.add(entry.entry)

    def delete(self, key: str) -> None:
        """Remove the current key from cache and state."""
        self._builders.pop(key, None)
        if key in self._sizes:
            self._keys.remove(key)
        self.bytes -= self._sizes.pop(key, 0)
        self._journal.clear()

    def _evict(self, size: int) -> None:
        """Note the size of the current builder, and evict others while the cache is too large."""
        current, keys = self._current, self._keys
        if current not in self._sizes:
            keys.append(current)
        self.bytes += size - self._sizes.get(current, 0)
        self._sizes[current] = size
        while self.bytes > self._cache_bytes and len(keys) > 1:
            place = self._random.randrange(len(keys))
            if keys[place] == current:
                place -= 1
            keys[place], keys[-1] = keys[-1], keys[place]
            key = keys.pop()
            del self._builders[key]
            self.bytes -= self._sizes.pop(key)

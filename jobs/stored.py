"""Keepers in keyed state: a snapshot and a journal of net changes, never the whole book or chain per batch."""

from collections import OrderedDict

from pyflink.common.typeinfo import Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import ListStateDescriptor

from jobs.keeping import Keeping, Kept
from market.journal import Replace


class StoredKeepers:
    """The keepers of one operator instance: a cache of decoded ones in front of keyed state, evicted by count.

    Everything a keeper knows is in state after each batch, so eviction and a crash are the same to it. The cache lives
    on the instance, never in a module: a thread-mode interpreter survives jobs. A restarted task has a fresh instance.
    The encoded bytes travel as PICKLED_BYTE_ARRAY, the one byte type that reads back as `bytes` in both modes.
    """

    def __init__(self, context: RuntimeContext, keeping: Keeping, cached: int) -> None:
        descriptor = ListStateDescriptor(f"{keeping.name}-journal", Types.PICKLED_BYTE_ARRAY())
        self._journal = context.get_list_state(descriptor)
        self._open = keeping.open
        self._cached = cached
        self._keepers: OrderedDict[str, Kept] = OrderedDict()

    def load(self, key: str) -> Kept:
        """The keeper of the current key, from the cache or rebuilt from state."""
        keeper = self._keepers.get(key)
        if keeper is None:
            keeper = self._keepers[key] = self._open(key, self._journal.get() or ())
            if len(self._keepers) > self._cached:
                self._keepers.popitem(last=False)
        self._keepers.move_to_end(key)
        return keeper

    def save(self, keeper: Kept) -> None:
        """Write what the last batch changed: appended, or in place of a journal that outgrew what it tells of."""
        written = keeper.journal()
        if written is None:
            return
        if isinstance(written, Replace):
            self._journal.update([written.entry])
        else:
            self._journal.add(written.entry)

    def forget(self, key: str) -> None:
        """Keep nothing of the current key."""
        self._keepers.pop(key, None)
        self._journal.clear()

"""Updates that wait for a snapshot when the ids of a symbol began anew: those of the older epoch are dropped.

Ids begin anew after a migration, a relisting, or a wipe of the test network. An older epoch has higher ids and earlier
event times. Left among the waiting updates, it would make every snapshot of the new epoch too old.
"""

from msgspec import Struct

from core.envelope import TypedEnvelope
from market.orderbook.book_sync import PendingUpdates
from market.orderbook.feed_types import GAP, SKIP
from market.orderbook.sync_state import MICROS, RESET_AFTER_MS
from venues.binance.messages import DepthFrame, DepthSnapshot, DepthUpdate, event_time
from venues.binance.sequencing import SequenceRule

# Updates this much older than a snapshot are part of it, even if the reply was cached and waited for its turn.
SNAPSHOT_AGE_US = 10 * MICROS

HeldUpdate = TypedEnvelope[DepthFrame]


class HeldIds(Struct, array_like=True):
    """`newest_id`: highest id of the waiting updates, received at event time `newest_ms`.

    `too_old`: snapshots since the last bridge that were too old for the waiting updates.
    """

    newest_id: int = 0
    newest_ms: int = 0
    too_old: int = 0

    def admit(self, pending: PendingUpdates, update: DepthUpdate) -> bool:
        """Prepare `pending` for one more update; False if the update belongs to an epoch that has ended."""
        at = event_time(update)
        if not pending.frames:
            self.newest_id, self.newest_ms = update.last_id, at
        elif update.last_id >= self.newest_id:
            if at + RESET_AFTER_MS < self.newest_ms:
                return False
            self.newest_id, self.newest_ms = update.last_id, at
        elif at > self.newest_ms + RESET_AFTER_MS:
            pending.retain(_after(pending, self.newest_id, update.last_id))
            self.newest_id, self.newest_ms = update.last_id, at
        return True

    def make_room(self, pending: PendingUpdates, rule: SequenceRule, snapshot: DepthSnapshot, received_us: int) -> bool:
        """True if the waiting updates continue from a snapshot, without those of an epoch that it proves to be over.

        Without a proof the second snapshot that is too old wins, then the fourth, the eighth …: more and more of them,
        in case that the replies lag behind the stream.
        """
        steps = ((rule.bridge(snapshot.last_id, each.frame.data), each) for each in pending.frames)
        step, first = next((pair for pair in steps if pair[0] is not SKIP), (SKIP, None))
        if first is None or step is not GAP:
            return True
        self.too_old += 1
        snapshot_ms, oldest = event_time(snapshot), first.frame.data
        is_proof = received_us - first.recv_us > SNAPSHOT_AGE_US or (
            snapshot_ms > 0 and snapshot_ms > event_time(oldest) + RESET_AFTER_MS
        )
        if not is_proof and (self.too_old < 2 or self.too_old & (self.too_old - 1)):
            return False
        pending.retain(_after(pending, oldest.last_id, oldest.first_id - 1))
        self.newest_id, self.newest_ms = max(
            ((each.frame.data.last_id, event_time(each.frame.data)) for each in pending.frames), default=(0, 0)
        )
        return True


def _after(pending: PendingUpdates, older_id: int, newest_id: int) -> list[HeldUpdate]:
    """Updates up to id `newest_id` that were received after the one that ends at `older_id`."""
    ids = [each.frame.data.last_id for each in pending.frames]
    start = len(ids) - ids[::-1].index(older_id) if older_id in ids else 0
    return [each for each in pending.frames[start:] if each.frame.data.last_id <= newest_id]

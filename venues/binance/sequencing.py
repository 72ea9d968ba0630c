"""Sequence rules of Binance spot and USD-M: updates that may follow a book or a snapshot (docs/venues/binance.md)."""

from typing import Protocol

from core.envelope import InvalidRecord
from market.orderbook.feed_types import APPLY, GAP, SKIP, SequenceResult
from venues.binance.messages import DepthUpdate


class SequenceRule(Protocol):
    """Sequence rule of one market. `synced_at_install`: a snapshot alone is a book, without an update that bridges."""

    @property
    def synced_at_install(self) -> bool: ...
    def check_ids(self, update: DepthUpdate) -> None: ...
    def step(self, applied_id: int, update: DepthUpdate) -> SequenceResult: ...
    def bridge(self, snapshot_id: int, update: DepthUpdate) -> SequenceResult: ...
    def gap_ids(self, applied_id: int, update: DepthUpdate) -> tuple[int, int]: ...


class SpotRule:
    """Ids count the updates of one symbol without holes: an update starts at or before the id after the book's.

    The documented bridge requires `lastUpdateId` inside [U; u]. In recorded bridges the first update that is not in the
    snapshot starts right after it, which is the test of any other step.
    """

    synced_at_install = True

    @staticmethod
    def check_ids(update: DepthUpdate) -> None:
        """Raise `InvalidRecord` for ids that contradict each other."""
        if update.first_id > update.last_id:
            raise InvalidRecord(f"expected U <= u, got U {update.first_id} and u {update.last_id}")

    @staticmethod
    def step(applied_id: int, update: DepthUpdate) -> SequenceResult:
        """Treatment of `update` for a book that contains all updates up to `applied_id`."""
        if update.last_id <= applied_id:
            return SKIP
        return APPLY if update.first_id <= applied_id + 1 else GAP

    @staticmethod
    def bridge(snapshot_id: int, update: DepthUpdate) -> SequenceResult:
        """Treatment of the first updates after a snapshot: as in `step`, but one that ends at the snapshot is applied.

        That update changes nothing and gives the snapshot its time, so the book is published. If it were skipped, a
        quiet symbol would have no book until its next update.
        """
        return APPLY if update.last_id == snapshot_id else SpotRule.step(snapshot_id, update)

    @staticmethod
    def gap_ids(applied_id: int, update: DepthUpdate) -> tuple[int, int]:
        """Expected and actual first id at a gap."""
        return applied_id + 1, update.first_id


class UsdmRule:
    """Ids are shared by all symbols. An update follows by `pu`, which equals `u` of the symbol's previous update."""

    synced_at_install = False  # only an update that chains proves that the snapshot fits the stream

    @staticmethod
    def check_ids(update: DepthUpdate) -> None:
        """Raise `InvalidRecord` for ids that are missing or contradict each other."""
        if not update.previous_id < update.first_id <= update.last_id:
            got = f"pu {update.previous_id}, U {update.first_id} and u {update.last_id}"
            raise InvalidRecord(f"expected pu < U <= u, got {got}")
        if not update.previous_id:
            raise InvalidRecord("expected pu on a futures update, got none")

    @staticmethod
    def bridge(snapshot_id: int, update: DepthUpdate) -> SequenceResult:
        """Treatment of the first updates after a snapshot: strictly older ones are part of it.

        An update with `u` == `lastUpdateId` is applied, not skipped as on spot: for a quiet symbol it is the only one
        that touches the snapshot. `pu` < `lastUpdateId` < `U` is valid: the snapshot lies between two updates of the
        symbol.
        """
        if update.last_id < snapshot_id:
            return SKIP
        return APPLY if update.previous_id <= snapshot_id else GAP

    @staticmethod
    def step(applied_id: int, update: DepthUpdate) -> SequenceResult:
        """Treatment of `update` for a book whose last update ended at `applied_id`."""
        if update.previous_id == applied_id:
            return APPLY
        return SKIP if update.last_id <= applied_id else GAP

    @staticmethod
    def gap_ids(applied_id: int, update: DepthUpdate) -> tuple[int, int]:
        """Expected and actual previous id at a gap."""
        return applied_id, update.previous_id

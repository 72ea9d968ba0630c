"""Rejected values, and the builder for record keys without a book or chain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

BatchType = TypeVar("BatchType")


@dataclass(frozen=True, slots=True)
class Reject:
    """A value that could not be used: index in the batch, reason (expected, actual), where (key, envelope, frame).

    `row`: the bytes that were refused, where the rest of the value was used; empty: the whole value.
    """

    index: int
    reason: str
    where: str
    row: bytes = b""


class RejectAll(Generic[BatchType]):
    """Builder that rejects every value and has no state."""

    synced = False
    memory_bytes = 2048
    applied_us = 0
    ids_in_doubt = False
    state = "out of sync"
    needs_timer = False

    def __init__(self, reason: str, all_rejected: Callable[[list[Reject]], BatchType]) -> None:
        """`all_rejected` makes a batch with these rejects and nothing else."""
        self._reason = reason
        self._all_rejected = all_rejected

    def apply_all(self, values: Sequence[bytes | None]) -> BatchType:
        """Reject all values."""
        return self._all_rejected([Reject(index, self._reason, "key") for index in range(len(values))])

    def flush(self) -> BatchType:
        """Return an empty batch."""
        return self._all_rejected([])

    def mark_stale(self, now_ms: int) -> None:
        """Do nothing: there is no status to publish."""

    def journal(self) -> None:
        """Return None: there is no state to write."""

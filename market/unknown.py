"""What stands in for a keeper where a record key names nothing that can be kept."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from market.batch import Reject

BatchType = TypeVar("BatchType")


class UnknownKey(Generic[BatchType]):
    """A keeper of nothing: rejects every value, and has no state."""

    live = False

    def __init__(self, reason: str, refused: Callable[[list[Reject]], BatchType]) -> None:
        """`refused` makes the batch that holds these rejects and nothing else."""
        self._reason = reason
        self._refused = refused

    def apply_all(self, values: Sequence[bytes | None]) -> BatchType:
        """Reject them all."""
        return self._refused([Reject(index, self._reason, "key") for index in range(len(values))])

    def flush(self) -> BatchType:
        """Nothing to close."""
        return self._refused([])

    def stale(self, now_ms: int) -> None:
        """Nothing to say."""

    def journal(self) -> None:
        """Nothing to keep."""

"""Finds books that send nothing on a connection that is alive. No clock: times are arguments, in monotonic seconds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingestion.forwarder.stats import StreamStats
from venues.protocol import Stream

CHECK_S = 1.0
MAX_BOUND_S = 3600.0


@dataclass
class _Progress:
    """`frames` at the newest check, and since when it has been the same.

    `renewals`: subscriptions renewed since the stream last sent two frames: one may be the snapshot that follows a
    subscription. Each doubles the bound, because a quiet symbol is silent without a fault.
    """

    frames: int
    since: float
    renewals: int = 0
    frames_at_renewal: int = 0


class BookSilence:
    """Follows the number of frames of each book of one connection."""

    def __init__(self) -> None:
        self._progress: dict[Stream, _Progress] = {}
        self._checked_at = float("-inf")

    def overdue(
        self, books: Iterable[tuple[Stream, StreamStats]], now: float, bound_s: float
    ) -> Iterator[tuple[Stream, float]]:
        """Books without a frame for `bound_s`, each with the seconds of its silence; at most one check a second."""
        if now - self._checked_at < CHECK_S:
            return
        self._checked_at = now
        for stream, stats in books:
            progress = self._progress.setdefault(stream, _Progress(stats.frames, now))
            if stats.frames != progress.frames:
                progress.frames, progress.since = stats.frames, now
                if stats.frames > progress.frames_at_renewal + 1:
                    progress.renewals = 0
            elif now - progress.since > min(bound_s * 2**progress.renewals, max(bound_s, MAX_BOUND_S)):
                yield stream, round(now - progress.since, 1)
                progress.since, progress.frames_at_renewal = now, stats.frames
                progress.renewals += 1

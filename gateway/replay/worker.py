"""The process that rebuilds one span: `python -m gateway.replay.worker REQUEST`, lines of JSON on standard output.

The last line is `end`, or `unavailable` with the reason of each source that was tried.
"""

import os
import signal
import sys
from collections.abc import Iterator

import msgspec

from core.settings import Settings
from gateway.replay.rebuilt import rebuilt_events
from gateway.replay.request import ReplayRequest, ReplayUnavailable, line
from market.orderbook.book_config import BookConfig

NICENESS = 3  # live data comes first


def replay_lines(request: ReplayRequest, settings: Settings) -> Iterator[bytes]:
    """Lines of the first source that has the span."""
    config = BookConfig(
        depth=settings.calculate_depth, levels=settings.depth_levels, stale_after_s=settings.stale_after_s
    )
    tried = []
    for name in ("recording", "topic"):
        if request.source not in ("auto", name) or (name == "recording" and not request.recording):
            continue
        try:
            yield from rebuilt_events(
                _values(name, request, settings), request, config, name, lambda time_ms: line(time_ms, "progress", {})
            )
            return
        except ReplayUnavailable as reason:
            tried.append(f"{name}: {reason}")
    yield line(request.from_ms, "unavailable", {"reason": "; ".join(tried) or "no recording is configured"})


def _values(name: str, request: ReplayRequest, settings: Settings) -> Iterator[bytes]:
    """Raw records of a source. Only its own client library is loaded, since that takes longer than a short span."""
    if name == "recording":
        from gateway.replay.recorded_records import recorded_values

        return recorded_values(request)
    from gateway.replay.topic_records import topic_values

    return topic_values(request, settings)


def main() -> None:
    """Write the lines of the request in the first argument."""
    os.nice(NICENESS)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the gateway has closed the pipe
    request = msgspec.json.decode(sys.argv[1], type=ReplayRequest)
    for each in replay_lines(request, Settings()):
        sys.stdout.buffer.write(each)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

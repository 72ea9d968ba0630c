"""Result of classifying one frame, and the errors a classifier raises."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import msgspec

# Errors of decoding: bytes that are not UTF-8 and nesting without end have errors of their own.
# UnclassifiedFrame is a ValueError.
FRAME_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)


class UnclassifiedFrame(ValueError):
    """A frame is JSON, but no message that the venue is known to send."""


class FrameInfo(NamedTuple):
    """Channel as the envelope names it, symbol ("" where the frame names none) and the venue's time in epoch µs.

    `forwarded` is False for frames that are counted and not forwarded (acknowledgements, heartbeats, status, klines);
    `channel` is then the name they are counted under. `time_us` is None where the frame carries no time.
    """

    channel: str
    symbol: str = ""
    time_us: int | None = None
    forwarded: bool = True


Classifier: TypeAlias = Callable[[bytes], FrameInfo]
"""Reads channel, symbol and time from one frame. Raises one of FRAME_ERRORS."""

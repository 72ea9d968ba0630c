"""What a labeller says of a frame."""

from typing import NamedTuple

import msgspec

# What decoding raises: bytes that are not UTF-8 and nesting without end have errors of their own. UnlabelledError is a
# ValueError.
FRAME_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)


class UnlabelledError(ValueError):
    """A frame is JSON, but nothing that the venue is known to send."""


class Label(NamedTuple):
    """Channel as the envelope names it, symbol ("" where the frame does not say) and the venue's time in epoch µs.

    `kept` is False for what is counted and not forwarded (acknowledgements, heartbeats, status, klines); `channel` is
    then what it is counted as. `time_us` is None where the frame carries no time.
    """

    channel: str
    symbol: str = ""
    time_us: int | None = None
    kept: bool = True

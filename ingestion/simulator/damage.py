"""What frame faults do to the frames of one connection. Pure: no clock, no socket."""

import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from ingestion.simulator.faults import Checksum, Corrupt, Digit, Duplicate, FrameFault, Gap, Reorder
from ingestion.simulator.listing import Kind, Publication

_CHECKSUM = re.compile(rb'"checksum":(\d+)')
_SIDES = re.compile(rb'"bids":\[(.*?)\],"asks":\[(.*?)\]')
_LEVEL = re.compile(rb'"price":([\d.]+),"qty":([\d.]*[1-9][\d.]*)')  # sizes above zero alone

Key: TypeAlias = tuple[str, Kind]


class FrameFaults:
    """The faults that still await frames on one connection; one meets a frame at a time, in the order asked for."""

    def __init__(self) -> None:
        self._armed: dict[Key, deque[FrameFault]] = {}
        self._held: dict[Key, bytes] = {}

    def arm(self, fault: FrameFault, symbols: Iterable[str]) -> None:
        """Await frames of the fault's symbol, or of each of `symbols`."""
        for symbol in symbols if fault.symbol is None else (fault.symbol,):
            self._armed.setdefault((symbol, fault.kind), deque()).extend([fault] * fault.count)

    def apply(self, publication: Publication, frame: bytes) -> list[bytes]:
        """What is sent in place of `frame`, which is the publication as this connection gets it."""
        key = (publication.symbol, publication.kind)
        if key in self._held:
            return [frame, self._held.pop(key)]
        armed = self._armed.get(key)
        if not armed:
            return [frame]
        sent = _EFFECTS[type(armed[0])](frame)
        if sent is None:
            return [frame]
        if isinstance(armed.popleft(), Reorder):
            self._held[key] = frame
        return sent


def without_bracket(frame: bytes) -> bytes:
    """The frame with its last bracket but one turned into a parenthesis: no JSON any more."""
    at = max(frame.rfind(bracket, 0, -1) for bracket in (b"]", b"}"))
    return frame[:at] + b")" + frame[at + 1 :]


def other_checksum(frame: bytes) -> bytes | None:
    """The frame with another checksum; None when it has none."""
    found = _CHECKSUM.search(frame)
    return None if found is None else _replaced(frame, found, 1, b"%d" % (int(found[1]) ^ 1))


def other_digit(frame: bytes) -> bytes | None:
    """The frame with another last digit in the size nearest to the touch; None when no size is above zero."""
    sides = _SIDES.search(frame)
    if sides is None:
        return None
    for side, nearest in ((1, max), (2, min)):
        levels = list(_LEVEL.finditer(frame, sides.start(side), sides.end(side)))
        if levels:
            level = nearest(levels, key=lambda found: float(found[1]))
            return _replaced(frame, level, 2, level[2][:-1] + (b"7" if level[2].endswith(b"3") else b"3"))
    return None


def _replaced(frame: bytes, found: re.Match[bytes], group: int, text: bytes) -> bytes:
    return frame[: found.start(group)] + text + frame[found.end(group) :]


def _whole(change: Callable[[bytes], bytes | None]) -> Callable[[bytes], list[bytes] | None]:
    def effect(frame: bytes) -> list[bytes] | None:
        changed = change(frame)
        return None if changed is None else [changed]

    return effect


# None: this frame cannot be hit, the fault waits for the next one.
_EFFECTS: dict[Any, Callable[[bytes], list[bytes] | None]] = {
    Gap: lambda frame: [],
    Reorder: lambda frame: [],
    Duplicate: lambda frame: [frame, frame],
    Corrupt: _whole(without_bracket),
    Digit: _whole(other_digit),
    Checksum: _whole(other_checksum),
}

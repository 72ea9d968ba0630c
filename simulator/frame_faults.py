"""Applies frame faults to the frames of one connection. Pure: no clock, no socket."""

import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from simulator.faults import Corrupt, Duplicate, FrameFault, Gap, Reorder, WrongChecksum, WrongDigit
from simulator.publication import Kind, Publication

_CHECKSUM = re.compile(rb'"checksum":(\d+)')
_SIDES = re.compile(rb'"bids":\[(.*?)\],"asks":\[(.*?)\]')
_LEVEL = re.compile(rb'"price":([\d.]+),"qty":([\d.]*[1-9][\d.]*)')  # sizes above zero alone

Key: TypeAlias = tuple[str, Kind]


class FrameFaults:
    """Armed faults of one connection. A frame is affected by one fault at most, in the order of injection."""

    def __init__(self) -> None:
        self._armed: dict[Key, deque[FrameFault]] = {}
        self._delayed: dict[Key, bytes] = {}

    def arm(self, fault: FrameFault, symbols: Iterable[str]) -> None:
        """Arm the fault for its symbol, or for each of `symbols`."""
        for symbol in symbols if fault.symbol is None else (fault.symbol,):
            self._armed.setdefault((symbol, fault.kind), deque()).extend([fault] * fault.count)

    def apply(self, publication: Publication, frame: bytes) -> list[bytes]:
        """Frames to send in place of `frame`, the publication in the form of this connection."""
        key = (publication.symbol, publication.kind)
        if key in self._delayed:
            return [frame, self._delayed.pop(key)]
        armed = self._armed.get(key)
        if not armed:
            return [frame]
        sent = _EFFECTS[type(armed[0])](frame)
        if sent is None:
            return [frame]
        if isinstance(armed.popleft(), Reorder):
            self._delayed[key] = frame
        return sent


def break_json(frame: bytes) -> bytes:
    """The frame with its last bracket but one replaced by a parenthesis, so that it is not JSON."""
    at = max(frame.rfind(bracket, 0, -1) for bracket in (b"]", b"}"))
    return frame[:at] + b")" + frame[at + 1 :]


def change_checksum(frame: bytes) -> bytes | None:
    """The frame with a different checksum; None when it has none."""
    found = _CHECKSUM.search(frame)
    return None if found is None else _replaced(frame, found, 1, b"%d" % (int(found[1]) ^ 1))


def change_digit(frame: bytes) -> bytes | None:
    """The frame with a different last digit in the size nearest to the touch; None when no size is above zero."""
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


def _one_frame(change: Callable[[bytes], bytes | None]) -> Callable[[bytes], list[bytes] | None]:
    def effect(frame: bytes) -> list[bytes] | None:
        changed = change(frame)
        return None if changed is None else [changed]

    return effect


# None: the fault does not apply to this frame and stays armed for the next one.
_EFFECTS: dict[Any, Callable[[bytes], list[bytes] | None]] = {
    Gap: lambda frame: [],
    Reorder: lambda frame: [],
    Duplicate: lambda frame: [frame, frame],
    Corrupt: _one_frame(break_json),
    WrongDigit: _one_frame(change_digit),
    WrongChecksum: _one_frame(change_checksum),
}

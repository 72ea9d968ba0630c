"""Bare depth updates of USD-M: frames without the name of their stream, which partial depth shares with updates.

A partial message of `depth5`, `depth10` or `depth20` has the same fields as an update. It has exactly that number of
levels on both sides and deletes none. An update may look like that too, but it continues the chain of the updates
before it, or repeats the last one.
"""

import msgspec

from venues.frame_info import UnclassifiedFrame

PARTIAL_LEVELS = frozenset({5, 10, 20})


class _Update(msgspec.Struct, gc=False):
    s: str
    u: int
    pu: int
    b: list[list[str | float]]
    a: list[list[str | float]]


_decode = msgspec.json.Decoder(_Update).decode


class BareUpdates:
    """Chain of the updates of each symbol on one connection."""

    def __init__(self) -> None:
        self._last_ids: dict[str, int] = {}

    def check(self, frame: bytes) -> None:
        """Raise UnclassifiedFrame for what cannot be told from partial depth."""
        try:
            update = _decode(frame)
        except msgspec.ValidationError:
            return  # the parser of the frame names what is wrong
        if _looks_partial(update) and self._last_ids.get(update.s) not in (update.pu, update.u):
            raise UnclassifiedFrame(
                f"{update.s}: {len(update.b)} levels on each side, no deletion, and no update before it that it "
                "continues: an update or partial depth; only the name of its stream tells which: record a combined "
                f"stream (/stream?streams={update.s.lower()}@depth)"
            )
        self._last_ids[update.s] = update.u


def _looks_partial(update: _Update) -> bool:
    levels = len(update.b)
    return levels == len(update.a) and levels in PARTIAL_LEVELS and all(_has_size(each) for each in update.b + update.a)


def _has_size(level: list[str | float]) -> bool:
    try:
        return len(level) > 1 and float(level[1]) > 0
    except ValueError:
        return False

"""Instructions of a builder's journal to the state of its key; shared by order books and option chains."""

from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Append:
    """Append this entry to the key's journal."""

    entry: bytes


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace the key's whole journal with this entry."""

    entry: bytes


class UnknownVersion(ValueError):
    """The journal was written in a format that this version of the code cannot read."""


class _Version(msgspec.Struct, array_like=True, gc=False):
    """The first element of an entry; the others are skipped."""

    version: Any


_decode = msgspec.msgpack.Decoder(_Version).decode


def version_of(entry: bytes) -> Any:
    """The version with which an entry of any version begins."""
    return _decode(entry).version

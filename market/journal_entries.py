"""Instructions of a builder's journal to the state of its key; shared by order books and option chains."""

from dataclasses import dataclass


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

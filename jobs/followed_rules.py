"""Thresholds of a running job: those at its submission, and the changes since."""

from collections.abc import Mapping

import msgspec

from jobs.rule_topic import RuleRecords
from market.alerts.rule_table import RuleTable
from market.alerts.rules import Rule

Changes = dict[str, tuple[int, int, bytes | None]]  # by key: partition and offset of the record, and its value


class FollowedRules:
    """A table of thresholds that follows the topic `alert.rules`.

    The records of the submission apply before the first reading. The topic is then followed from its beginning:
    records that the submission knew change nothing, so that old values are not applied again.
    """

    def __init__(self, rules: Mapping[str, Rule], known: RuleRecords) -> None:
        self.table = RuleTable(rules)
        self._ends = known.ends
        self._changes: Changes = {}
        for key, value in known.values.items():
            self.table.apply(key, value)

    def restore(self, saved: bytes | None) -> None:
        """Apply saved changes, as returned by `follow`, that are newer than the submission."""
        for key, (partition, offset, value) in _decode(saved).items() if saved else ():
            self.follow(key, value, partition, offset)

    def follow(self, key: str, value: bytes | None, partition: int, offset: int) -> bytes | None:
        """Apply a record. Return all changes since the submission, to be saved; None if the record was known."""
        if offset < self._ends.get(partition, 0):
            return None
        self._changes[key] = partition, offset, value
        self.table.apply(key, value)
        return _encode(self._changes)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Changes).decode

"""All alerts of one key (`venue:symbol`, for option chains `venue:underlying`), from encoded records."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from core import topics
from core.envelope import DECODE_ERRORS
from market.alerts.alert_records import alert_line
from market.alerts.book_alerts import BOOK_RULES, BookAlerts
from market.alerts.chain_alerts import ChainAlerts, SubjectChange
from market.alerts.episode import Limits
from market.alerts.inputs import decode_chain, decode_interest, decode_state, decode_tick
from market.alerts.rule_table import RuleTable
from market.journal_entries import Replace, UnknownVersion
from market.reject_all import Reject

VERSION = 1
NOT_COMPUTABLE = (ArithmeticError, ValueError)  # numbers at the limits of a double
MEMORY_BYTES = 4096  # of a book; a chain is estimated by its saved size


class AlertState(Struct, array_like=True):
    """Saved state of a key; `version` is that of the format."""

    version: int = VERSION
    book: BookAlerts | None = None
    chain: ChainAlerts | None = None


@dataclass(slots=True)
class AlertBatch:
    """Alerts in order, as pairs of record key (`venue:symbol`) and encoded record, and rejected values."""

    alerts: list[tuple[str, bytes]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


class AlertEngine:
    """The rules of one key. Alerts depend on the key's records and on the thresholds, never on batches or clocks.

    `silence_ms`: time without a record after which an expiry or an option counts as gone; also the largest age of a
    tick that is only late.
    """

    def __init__(self, key: str, table: RuleTable, silence_ms: int, state: AlertState | None = None) -> None:
        self._venue, _, self._symbol = key.partition(":")
        self._table = table
        self._silence_ms = silence_ms
        self._state = state or AlertState()
        self._limits: dict[str, Limits] = {}
        self._version = -1
        self._size = 0
        self._readers: Mapping[str, Callable[[bytes], Iterator[SubjectChange]]] = {
            topics.TICKS.name: self._tick,
            topics.OPTION_CHAINS.name: self._chain,
            topics.OPTION_SURFACES.name: self._interest,
            topics.STATUS.name: self._status,
        }

    @classmethod
    def restore(cls, key: str, table: RuleTable, silence_ms: int, entries: Iterable[bytes]) -> "AlertEngine":
        """The engine of a key, from the last entry of its journal. Raises UnknownVersion for another format."""
        saved = list(entries)
        state = _decode(saved[-1]) if saved else AlertState()
        if state.version != VERSION:
            raise UnknownVersion(f"alerts of {key}: state has version {state.version}, expected {VERSION}")
        return cls(key, table, silence_ms, state)

    @property
    def memory_bytes(self) -> int:
        """Estimated size in memory."""
        return MEMORY_BYTES + 8 * self._size

    def journal(self) -> Replace:
        """The whole state, which is bounded."""
        entry = _encode(self._state)
        self._size = len(entry)
        return Replace(entry)

    def apply_all(self, topic: str, values: Sequence[bytes | None]) -> AlertBatch:
        """Apply the records of one topic (its name without the prefix) in their order. Raises nothing."""
        batch, reader = AlertBatch(), self._readers[topic]
        for index, value in enumerate(values):
            try:
                for rule, symbol, change in reader(value or b""):
                    line = alert_line(rule, self._venue, symbol, change)
                    batch.alerts.append((topics.record_key(self._venue, symbol), line))
            except DECODE_ERRORS as error:
                batch.rejects.append(Reject(index, str(error), "record"))
            except NOT_COMPUTABLE as error:
                batch.rejects.append(Reject(index, f"expected numbers that a rule can compute with: {error}", "record"))
        return batch

    def _tick(self, value: bytes) -> Iterator[SubjectChange]:
        tick = decode_tick(value)
        if self._state.book is None:
            self._state.book = BookAlerts()
        if self._version != self._table.version:
            self._limits = {rule: self._limits_of(rule, self._symbol) for rule in BOOK_RULES}
            self._version = self._table.version
        changes = self._state.book.apply(tick, self._limits, self._silence_ms)
        return ((rule, self._symbol, change) for rule, change in changes)

    def _chain(self, value: bytes) -> Iterator[SubjectChange]:
        return self._known_chain().apply_chain(decode_chain(value), self._symbol, self._limits_of, self._silence_ms)

    def _interest(self, value: bytes) -> Iterator[SubjectChange]:
        return self._known_chain().apply_interest(decode_interest(value), self._limits_of, self._silence_ms)

    def _status(self, value: bytes) -> Iterator[SubjectChange]:
        """States of chains; those of books are in their ticks."""
        row = decode_state(value)
        if self._state.chain is None:
            return iter(())
        return self._state.chain.apply_state(row, self._symbol, self._limits_of)

    def _known_chain(self) -> ChainAlerts:
        if self._state.chain is None:
            self._state.chain = ChainAlerts()
        return self._state.chain

    def _limits_of(self, rule: str, symbol: str) -> Limits:
        return self._table.limits(rule, f"{self._venue}:{symbol}")


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(AlertState).decode

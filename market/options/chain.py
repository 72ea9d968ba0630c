"""The option chain of one underlying: the newest quote of every option, and its view at an instant."""

import math
import struct
from collections.abc import Iterable

import numpy as np
from msgspec import Struct

from market.envelope import Unusable
from market.options.black import Floats
from market.options.instrument import Instrument, parse_name
from market.options.layout import Layout, lay_out
from market.options.view import Columns, View
from market.options.wire import Event, IndexPrice, OptionQuote, Quote

_FIRST_CAPACITY = 64
_pack = struct.Struct(f"{len(Quote._fields)}d").pack  # a fifth of the time that an array takes


class Stored(Struct, array_like=True, gc=False):
    """One option as it is kept: `time` of its quote (epoch ms; 0: none yet) and the quote as packed doubles."""

    instrument: Instrument
    time: int
    quote: bytes


class Chain:
    """Last writer wins, by the venue's time: a late or repeated message changes nothing, and order does not matter.

    Two different quotes of one instrument and one millisecond are ranked by their bytes, so that redundant feeds agree.
    Memory is one row for each quoted option until `evict` drops the expired ones, and one entry a listed instrument.
    """

    def __init__(self, underlying: str) -> None:
        self.underlying = underlying
        self._listed: dict[str, Instrument] = {}
        self._rows: dict[str, int] = {}
        self._times = np.zeros(_FIRST_CAPACITY)
        self._table = np.full((_FIRST_CAPACITY, len(Quote._fields)), np.nan)
        self._changed: set[str] = set()
        self._gone: list[str] = []
        self.index = (0, np.nan)
        self._layout: Layout | None = None
        self._layout_from = 0
        self._layout_until = math.inf

    def __len__(self) -> int:
        return len(self._rows)

    def apply(self, event: Event) -> bool:
        """Takes one event in and says whether anything changed; `Unusable` when it is not of this chain."""
        if isinstance(event, OptionQuote):
            return self._apply_quote(event)
        if isinstance(event, Instrument):
            return self._apply_instrument(event)
        return self._apply_index(event)

    def view(self, time: int) -> View:
        """The options that expire after `time`, as columns; their quotes are the newest known, however old."""
        if self._layout is None or not self._layout_from <= time < self._layout_until:
            listed = ((row, self._listed[name]) for name, row in self._rows.items())
            self._layout = lay_out({row: instrument for row, instrument in listed if instrument.expiry > time})
            self._layout_from = time
            self._layout_until = min((expiry.time for expiry in self._layout.expiries), default=math.inf)
        source = self._layout.source
        table = np.full((len(source) + 1, self._table.shape[1]), np.nan)
        table[:-1] = self._table[source]
        quoted = np.append(self._times[source], np.nan)
        columns = Columns(*np.ascontiguousarray(table.T))
        return View(self.underlying, time, self._layout, quoted, columns, self._index_price(columns, quoted))

    def evict(self, time: int) -> list[str]:
        """Forgets the options that expired at or before `time` and returns their names."""
        gone = [name for name, instrument in self._listed.items() if instrument.expiry <= time]
        self._drop(gone)
        self._changed.difference_update(gone)
        self._gone += gone
        return gone

    def take_changes(self) -> tuple[list[Stored], list[str]]:
        """Options that changed since the last call, and names of those that are gone."""
        changed, gone = [self._stored(name) for name in sorted(self._changed)], self._gone
        self._changed, self._gone = set(), []
        return changed, gone

    def stored(self) -> list[Stored]:
        """All options."""
        return [self._stored(name) for name in self._listed]

    def load(self, options: Iterable[Stored], gone: Iterable[str], index: tuple[int, float]) -> None:
        """Takes up changes as they were stored: first what is gone, then what changed."""
        self._drop(gone)
        self.index = index
        for option in options:
            name = option.instrument.name
            self._listed[name] = option.instrument
            if option.time:
                row = self._rows[name] if name in self._rows else self._new_row(name)
                self._times[row], self._table[row] = option.time, np.frombuffer(option.quote)
        self._layout = None

    def _drop(self, gone: Iterable[str]) -> None:
        for name in gone:
            self._listed.pop(name, None)
        if self._rows.keys() <= self._listed.keys():
            return
        kept = [name for name in self._rows if name in self._listed]
        rows = [self._rows[name] for name in kept]
        self._times[: len(rows)], self._table[: len(rows)] = self._times[rows], self._table[rows]
        self._rows = {name: row for row, name in enumerate(kept)}
        self._layout = None

    def _stored(self, name: str) -> Stored:
        row = self._rows.get(name)
        quoted = (0, b"") if row is None else (int(self._times[row]), self._table[row].tobytes())
        return Stored(self._listed[name], *quoted)

    def _apply_quote(self, event: OptionQuote) -> bool:
        row = self._rows.get(event.name)
        if row is None:
            row = self._admit(event)
            if row is None:
                return False
        elif event.time < self._times[row] or event.time >= self._listed[event.name].expiry:
            return False
        new = _pack(*event.quote)
        if event.time == self._times[row] and new <= self._table[row].tobytes():
            return False
        self._times[row] = event.time
        self._table[row] = np.frombuffer(new)
        self._changed.add(event.name)
        return True

    def _admit(self, event: OptionQuote) -> int | None:
        """A row for an option not heard of before; None when it had expired by the time of its quote."""
        instrument = self._listed.get(event.name) or parse_name(event.name)
        if instrument is None:
            raise Unusable(f"{event.name}: not the name of an option")
        self._check(instrument)
        if instrument.expiry <= event.time:
            return None
        self._listed[event.name] = instrument
        return self._new_row(event.name)

    def _new_row(self, name: str) -> int:
        row = self._rows[name] = len(self._rows)
        if row == len(self._times):
            self._times = np.append(self._times, np.zeros(row))
            self._table = np.append(self._table, np.full_like(self._table, np.nan), axis=0)
        self._times[row] = 0
        self._layout = None
        return row

    def _apply_instrument(self, instrument: Instrument) -> bool:
        self._check(instrument)
        if self._listed.get(instrument.name) == instrument:
            return False
        self._listed[instrument.name] = instrument
        self._changed.add(instrument.name)
        self._layout = None
        return True

    def _apply_index(self, event: IndexPrice) -> bool:
        named = self.underlying if "_" in self.underlying else f"{self.underlying}_usd"
        if event.index_name.lower() not in (self.underlying.lower(), named.lower()):
            raise Unusable(f"index {event.index_name}: expected the index of {self.underlying}")
        if (event.time, event.price) <= self.index:
            return False
        self.index = (event.time, event.price)
        return True

    def _check(self, instrument: Instrument) -> None:
        if instrument.underlying != self.underlying:
            raise Unusable(f"{instrument.name}: expected an option on {self.underlying}")

    def _index_price(self, columns: Columns, quoted: Floats) -> float:
        """The newest index price, be it from the index channel or beside a quote."""
        times = np.where(np.isnan(columns.index_price), -1, quoted)[:-1]
        newest = int(np.argmax(times)) if times.size else -1
        return float(self.index[1] if newest < 0 or self.index[0] >= times[newest] else columns.index_price[newest])

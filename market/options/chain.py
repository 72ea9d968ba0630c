"""Option chain of one underlying: the newest quote of every option, and views of the chain at an instant."""

import math
import re
import struct
from collections import Counter
from collections.abc import Iterable

import numpy as np
from msgspec import Struct

from core.envelope import InvalidRecord
from market.options.black76 import Floats
from market.options.chain_view import ChainView, ColumnLayout, QuoteColumns, build_layout, quote_ages
from market.options.events import MAX_NAME, Event, IndexPrice, Instrument, OptionQuote, Quote
from market.options.feed import OptionFeed
from market.options.kinds import STALE_AFTER_MS

MAX_REFUSED = 10_000  # options of a chain whose refused rows are remembered
_INITIAL_CAPACITY = 64
_NAME = re.compile(r"[\w.-]+", re.ASCII)
_pack = struct.Struct(f"{len(Quote._fields)}d").pack  # takes a fifth of the time of building an array


class StoredOption(Struct, array_like=True, gc=False):
    """One option in the journal: `time` of its quote (epoch ms; 0: none yet) and the quote as packed doubles."""

    instrument: Instrument
    time: int
    quote: bytes


def check_name(name: str) -> None:
    """Raise `InvalidRecord` for a name that is too long, or not of ASCII letters, digits and `_.-`.

    The reason of an over-long name contains its beginning only.
    """
    if len(name) > MAX_NAME:
        raise InvalidRecord(f"expected a name of at most {MAX_NAME} characters, got {len(name)}: {name[:MAX_NAME]}…")
    if not _NAME.fullmatch(name):
        raise InvalidRecord(f"expected a name of letters, digits and _.-, got {name!r}")


class Chain:
    """State of one chain. The newest event by the exchange's time wins, so late or repeated events change nothing.

    The order of events does not matter: different quotes of one instrument and one millisecond are ranked by their
    bytes, so that redundant feeds agree. Memory: one row for each quoted option until `evict` removes the expired ones,
    and one entry for each listed instrument. `stale_after_ms`: see `chain_view.quote_ages`.
    """

    def __init__(self, underlying: str, feed: OptionFeed, stale_after_ms: int = STALE_AFTER_MS) -> None:
        self.underlying = underlying
        self.index = (0, np.nan)
        self._stale_after_ms = stale_after_ms
        self._refused: dict[str, int] = {}
        self._refused_changed = False
        self._parse_name = feed.parse_name
        self._index_names = feed.index_names(underlying)
        self._instruments: dict[str, Instrument] = {}
        self._rows: dict[str, int] = {}
        self._times = np.zeros(_INITIAL_CAPACITY)
        self._quotes = np.full((_INITIAL_CAPACITY, len(Quote._fields)), np.nan)
        self._changed: set[str] = set()
        self._evicted: list[str] = []
        self._layout: ColumnLayout | None = None
        self._layout_from = 0
        self._layout_until = math.inf

    def __len__(self) -> int:
        return len(self._rows)

    def apply(self, event: Event) -> bool:
        """Apply one event; True if it changed the chain. Raises `InvalidRecord` for an event of another chain."""
        if isinstance(event, OptionQuote):
            return self._apply_quote(event)
        if isinstance(event, Instrument):
            return self._apply_instrument(event)
        return self._apply_index(event)

    def view(self, time: int) -> ChainView:
        """Options that expire after `time` (epoch ms), as columns. Quotes are the newest known; old ones are stale."""
        if self._layout is None or not self._layout_from <= time < self._layout_until:
            quoted = ((row, self._instruments[name]) for name, row in self._rows.items())
            self._layout = build_layout({row: instrument for row, instrument in quoted if instrument.expiry > time})
            self._layout_from = time
            self._layout_until = min((expiry.time for expiry in self._layout.expiries), default=math.inf)
        rows = self._layout.stored_rows
        table = np.full((len(rows) + 1, self._quotes.shape[1]), np.nan)
        table[:-1] = self._quotes[rows]
        quote_time = np.append(self._times[rows], np.nan)
        quotes = QuoteColumns(*np.ascontiguousarray(table.T))
        return ChainView(
            self.underlying,
            time,
            self._layout,
            quote_time,
            quotes,
            self._newest_index_price(quotes, quote_time),
            quote_ages(self._layout, quote_time, time, self._stale_after_ms),
            Counter(expiry for expiry in self._refused.values() if expiry > time),
        )

    def refuse(self, name: str) -> bool:
        """Remember that the newest row of an option was refused, until a quote of it is applied or it expires.

        True if the option was not refused already. Names that are no option of this chain are ignored.
        """
        if name in self._refused or len(name) > MAX_NAME or len(self._refused) == MAX_REFUSED:
            return False
        instrument = self._instruments.get(name) or self._parse_name(name)
        if instrument is None or instrument.underlying != self.underlying:
            return False
        self._refused[name] = instrument.expiry
        self._refused_changed = True
        return True

    def evict(self, time: int) -> list[str]:
        """Remove the options that expired at or before `time` and return their names."""
        expired = [name for name, instrument in self._instruments.items() if instrument.expiry <= time]
        self._remove(expired)
        self._forget_refused([name for name, expiry in self._refused.items() if expiry <= time])
        self._changed.difference_update(expired)
        self._evicted += expired
        return expired

    def take_changes(self) -> tuple[list[StoredOption], list[str]]:
        """Options that changed since the last call, and names of those that were evicted."""
        changed, evicted = [self._stored(name) for name in sorted(self._changed)], self._evicted
        self._changed, self._evicted = set(), []
        return changed, evicted

    def take_refused(self) -> list[tuple[str, int]] | None:
        """Options whose newest row was refused, with their expiries; None if they are those of the last call."""
        changed, self._refused_changed = self._refused_changed, False
        return self.refused() if changed else None

    def refused(self) -> list[tuple[str, int]]:
        """Options whose newest row was refused, with their expiries (epoch ms)."""
        return list(self._refused.items())

    def stored_options(self) -> list[StoredOption]:
        """All listed options."""
        return [self._stored(name) for name in self._instruments]

    def load_refused(self, refused: Iterable[tuple[str, int]]) -> None:
        """Set the options whose newest row was refused, from the journal."""
        self._refused = dict(refused)

    def load(self, options: Iterable[StoredOption], evicted: Iterable[str], index: tuple[int, float]) -> None:
        """Apply changes from the journal: evictions first, then changed options."""
        self._remove(evicted)
        self.index = index
        for option in options:
            name = option.instrument.name
            self._instruments[name] = option.instrument
            if option.time:
                row = self._rows[name] if name in self._rows else self._new_row(name)
                self._times[row], self._quotes[row] = option.time, np.frombuffer(option.quote)
        self._layout = None

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            self._instruments.pop(name, None)
        if self._rows.keys() <= self._instruments.keys():
            return
        remaining = [name for name in self._rows if name in self._instruments]
        rows = [self._rows[name] for name in remaining]
        self._times[: len(rows)], self._quotes[: len(rows)] = self._times[rows], self._quotes[rows]
        self._rows = {name: row for row, name in enumerate(remaining)}
        self._layout = None

    def _stored(self, name: str) -> StoredOption:
        row = self._rows.get(name)
        quote = (0, b"") if row is None else (int(self._times[row]), self._quotes[row].tobytes())
        return StoredOption(self._instruments[name], *quote)

    def _apply_quote(self, event: OptionQuote) -> bool:
        row = self._rows.get(event.name)
        if row is None:
            row = self._add_option(event)
            if row is None:
                return False
        elif event.time < self._times[row] or event.time >= self._instruments[event.name].expiry:
            return False
        quote = _pack(*event.quote)
        if event.time == self._times[row] and quote <= self._quotes[row].tobytes():
            return False
        self._times[row] = event.time
        self._quotes[row] = np.frombuffer(quote)
        self._changed.add(event.name)
        if self._refused:
            self._forget_refused([event.name])
        return True

    def _add_option(self, event: OptionQuote) -> int | None:
        """Row for an option without a quote so far; None when it had expired by the time of this quote."""
        check_name(event.name)
        instrument = self._instruments.get(event.name) or self._parse_name(event.name)
        if instrument is None:
            raise InvalidRecord(f"{event.name}: not the name of an option")
        self._check_underlying(instrument)
        if instrument.expiry <= event.time:
            return None
        self._instruments[event.name] = instrument
        return self._new_row(event.name)

    def _new_row(self, name: str) -> int:
        row = self._rows[name] = len(self._rows)
        if row == len(self._times):
            self._times = np.append(self._times, np.zeros(row))
            self._quotes = np.append(self._quotes, np.full_like(self._quotes, np.nan), axis=0)
        self._times[row] = 0
        self._layout = None
        return row

    def _forget_refused(self, names: Iterable[str]) -> None:
        for name in names:
            self._refused_changed |= self._refused.pop(name, None) is not None

    def _apply_instrument(self, instrument: Instrument) -> bool:
        check_name(instrument.name)
        self._check_underlying(instrument)
        if self._instruments.get(instrument.name) == instrument:
            return False
        self._instruments[instrument.name] = instrument
        self._changed.add(instrument.name)
        self._layout = None
        return True

    def _apply_index(self, event: IndexPrice) -> bool:
        if event.index_name.lower() not in self._index_names:
            raise InvalidRecord(f"index {event.index_name[:MAX_NAME]}: expected the index of {self.underlying}")
        if (event.time, event.price) <= self.index:
            return False
        self.index = (event.time, event.price)
        return True

    def _check_underlying(self, instrument: Instrument) -> None:
        if instrument.underlying != self.underlying:
            raise InvalidRecord(f"{instrument.name}: expected an option on {self.underlying}")

    def _newest_index_price(self, quotes: QuoteColumns, quote_time: Floats) -> float:
        """Newest index price, either of the index channel or of a quote."""
        times = np.where(np.isnan(quotes.index_price), -1, quote_time)[:-1]
        newest = int(np.argmax(times)) if times.size else -1
        return float(self.index[1] if newest < 0 or self.index[0] >= times[newest] else quotes.index_price[newest])

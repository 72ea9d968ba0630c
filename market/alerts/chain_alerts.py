"""Alerts of one option chain, from the records of its expiries, its options and its state, each in their order.

The clock of the rules is the chain's own. The records of expiries and of options come from two topics, whose order
towards each other is not repeatable: each has a clock of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone

from msgspec import Struct, field

from market.alerts.chain_readings import MINUTE_MS, ExpiryHistory
from market.alerts.episode import Change, Limits
from market.alerts.episodes import Episodes, RuleChange, end_all, read
from market.alerts.inputs import STATE_VALUES, ChainReading, InterestReading, StateReading
from market.alerts.open_interest import Interest, OptionChange, OptionInterest, read_interest

EXPIRY_RULES = (
    "pcr_extreme",
    "iv_spike",
    "straddle_jump",
    "pcr_crossing",
    "max_pain_shift",
    "skew_inversion",
    "expected_move_exceeded",
)
INTEREST_RULE = "open_interest_change"
SubjectChange = tuple[str, str, Change]  # rule, symbol and change
LimitsOf = Callable[[str, str], Limits]  # by rule and symbol


class Expiry(Struct, array_like=True):
    """One expiry: last event time, past values, episodes."""

    time: int = 0
    history: ExpiryHistory = field(default_factory=ExpiryHistory)
    episodes: Episodes = field(default_factory=dict)


class ChainAlerts(Struct, array_like=True):
    """State of the rules of one chain; expiries by symbol, such as BTC-2026-06-26. `clock`: latest event time."""

    clock: int = 0
    expiries: dict[str, Expiry] = field(default_factory=dict)
    interest: Interest = field(default_factory=Interest)
    state: Episodes = field(default_factory=dict)

    def apply_chain(
        self, row: ChainReading, underlying: str, limits_of: LimitsOf, silence_ms: int
    ) -> Iterator[SubjectChange]:
        """Changes that a record of an expiry makes; a repeated second makes none.

        Expiries without a record for `silence_ms` end their episodes.
        """
        if row.event_time > self.clock:
            yield from self._pass_time(row.event_time, limits_of, silence_ms)
        symbol = expiry_symbol(underlying, row.expiry)
        expiry = self.expiries.setdefault(symbol, Expiry())
        if row.event_time <= expiry.time:
            return
        expiry.time = row.event_time
        limits = _limits(symbol, limits_of)
        for rule, value in expiry.history.second(row):
            yield from _of(symbol, read(expiry.episodes, rule, expiry.time, value, limits[rule]))

    def apply_interest(self, row: InterestReading, limits_of: LimitsOf, silence_ms: int) -> Iterator[SubjectChange]:
        """Changes of the minute that a record of an option closes; the record counts in its own minute."""
        options, ended = self.interest, []
        if options.due(row.event_time):
            for name, option, value in options.close():
                ended += [(name, each) for each in read_interest(option, value, limits_of(INTEREST_RULE, name))]
            for name, option in options.expire(row.event_time - silence_ms):
                ended += _lost(name, option, option.time + silence_ms, limits_of)
        options.note(row)
        for name, change in ended:
            yield INTEREST_RULE, name, change

    def apply_state(self, row: StateReading, underlying: str, limits_of: LimitsOf) -> Iterator[SubjectChange]:
        """Changes that a state of the chain makes: one that is not in sync ends all episodes at once."""
        limits = {"book_stale": limits_of("book_stale", underlying)}
        value = STATE_VALUES[row.state]
        yield from _of(underlying, read(self.state, "book_stale", row.event_time, value, limits["book_stale"]))
        if row.state == "synced":
            return
        for symbol, expiry in self.expiries.items():
            yield from _of(symbol, end_all(expiry.episodes, row.event_time, _limits(symbol, limits_of)))
        for options in self.interest.expiries.values():
            for name, option in options.items():
                for _, change in _lost(name, option, row.event_time, limits_of):
                    yield INTEREST_RULE, name, change

    def _pass_time(self, time: int, limits_of: LimitsOf, silence_ms: int) -> Iterator[SubjectChange]:
        """Close the minutes that ended, and remove the expiries that have fallen silent."""
        self.clock = time
        for symbol, expiry in list(self.expiries.items()):
            if (minute := expiry.history.open) is not None and minute.number < time // MINUTE_MS:
                limits, at = _limits(symbol, limits_of), minute.time
                for rule, value in expiry.history.close():
                    yield from _of(symbol, read(expiry.episodes, rule, at, value, limits[rule]))
            if expiry.time + silence_ms <= time:
                yield from _of(symbol, end_all(expiry.episodes, expiry.time + silence_ms, _limits(symbol, limits_of)))
                del self.expiries[symbol]


def expiry_symbol(underlying: str, expiry: int) -> str:
    """Underlying and day of an expiry (epoch ms), such as BTC-2026-06-26."""
    return f"{underlying}-{datetime.fromtimestamp(expiry / 1000, timezone.utc):%Y-%m-%d}"


def _limits(symbol: str, limits_of: LimitsOf) -> Mapping[str, Limits]:
    return {rule: limits_of(rule, symbol) for rule in EXPIRY_RULES}


def _of(symbol: str, changes: Iterator[RuleChange]) -> Iterator[SubjectChange]:
    return ((rule, symbol, change) for rule, change in changes)


def _lost(name: str, option: OptionInterest, time: int, limits_of: LimitsOf) -> list[OptionChange]:
    episode, option.episode = option.episode, None
    return [] if episode is None else [(name, each) for each in episode.end_now(time, limits_of(INTEREST_RULE, name))]

"""Changes of the open interest of options within the hour, against the other options of their expiry."""

from collections.abc import Iterator, Sequence
from statistics import median

from msgspec import Struct, field

from market.alerts.chain_readings import MINUTE_MS
from market.alerts.episode import Change, Episode, Limits
from market.alerts.inputs import InterestReading

HOUR_MS = 60 * MINUTE_MS
UNUSUAL = 3.5 * 1.4826  # median absolute deviations: 3.5 robust deviations
OptionChange = tuple[str, Change]  # option and change


class OptionInterest(Struct, array_like=True):
    """One option: its last event time, its open interest at the hour's first minute, and in the open minute."""

    time: int = 0
    hour: int = -1
    base: float = 0.0
    newest: float | None = None
    episode: Episode | None = None

    def close(self) -> float | None:
        """Change since the hour's first minute; None without a value in this minute, or without a change."""
        if self.newest is None:
            return None
        if self.time // HOUR_MS != self.hour:
            self.hour, self.base = self.time // HOUR_MS, self.newest
        return self.newest - self.base or None


class Interest(Struct, array_like=True):
    """Options of one chain by expiry and name. `clock`: latest event time."""

    clock: int = 0
    expiries: dict[int, dict[str, OptionInterest]] = field(default_factory=dict)

    def due(self, time: int) -> bool:
        """The open minute ends before this time."""
        return time // MINUTE_MS > self.clock // MINUTE_MS

    def note(self, row: InterestReading) -> None:
        """Note an option's open interest; a repeated second, and an unknown value, are ignored."""
        self.clock = max(self.clock, row.event_time)
        if row.open_interest is None:
            return
        option = self.expiries.setdefault(row.expiry, {}).setdefault(row.instrument, OptionInterest())
        if row.event_time > option.time:
            option.time, option.newest = row.event_time, row.open_interest

    def close(self) -> Iterator[tuple[str, OptionInterest, float]]:
        """Close the minute: options that had a value in it, with their readings."""
        for options in self.expiries.values():
            known = {name: option for name, option in options.items() if option.newest is not None}
            changes = [option.close() for option in known.values()]
            total = sum(option.newest or 0.0 for option in known.values())
            for (name, option), reading in zip(known.items(), unusual_changes(changes, total), strict=True):
                option.newest = None
                yield name, option, reading

    def expire(self, time: int) -> Iterator[tuple[str, OptionInterest]]:
        """Remove options without a value since this time."""
        for expiry, options in list(self.expiries.items()):
            for name in [name for name, option in options.items() if option.time <= time]:
                yield name, options.pop(name)
            if not options:
                del self.expiries[expiry]


def unusual_changes(changes: Sequence[float | None], total: float) -> list[float]:
    """Changes as shares of the total; 0 for those within 3.5 robust deviations of the median of all that changed."""
    changed = [change for change in changes if change is not None]
    if not changed or not total:
        return [0.0] * len(changes)
    middle = median(changed)
    deviation = median(abs(change - middle) for change in changed)
    return [
        change / total if change is not None and 0 < UNUSUAL * deviation <= abs(change - middle) else 0.0
        for change in changes
    ]


def read_interest(option: OptionInterest, value: float, limits: Limits) -> list[Change]:
    """Apply a reading of one option."""
    if option.episode is None:
        if abs(value) < limits.medium:
            return []
        option.episode = Episode()
    changes = option.episode.read(option.time, value, limits, option.time)
    if option.episode.idle:
        option.episode = None
    return changes

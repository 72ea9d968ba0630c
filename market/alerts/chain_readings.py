"""Values that the rules read from the seconds and minutes of one expiry of an option chain. Undefined values read 0."""

from collections.abc import Iterator, Sequence
from math import fsum, sqrt
from typing import NamedTuple

from msgspec import Struct, field

from market.alerts.inputs import ChainReading

MINUTE_MS = 60_000
IV_WINDOW_MS = 5 * MINUTE_MS
HISTORY = 60  # seconds with a volatility before a value is compared with them
LEAST_DEVIATION = 0.001  # of volatilities
LEAST_RATIO = 0.001
YEAR_MS = 365 * 86_400_000
HOUR_MINUTES = 60
MOVE_HISTORY_MS = 5 * MINUTE_MS
Point = tuple[int, float]


class Minute(Struct, array_like=True, gc=False):
    """Last known values of one minute (`number`: minutes since 1970); `time`: its last event time."""

    number: int
    time: int
    years: float
    forward: float | None = None
    pcr: float | None = None
    max_pain: float | None = None
    implied_move: float | None = None
    risk_reversal: float | None = None


class ExpiryHistory(Struct, array_like=True):
    """Volatilities of five minutes, straddles of one minute, minutes of one hour, and the minute that is open."""

    ivs: list[Point] = field(default_factory=list)
    moves: list[Point] = field(default_factory=list)
    minutes: list[Minute] = field(default_factory=list)
    open: Minute | None = None

    def second(self, row: ChainReading) -> Iterator[tuple[str, float]]:
        """Readings of one second."""
        pcr, max_pain = trusted_sums(row)
        time = row.event_time
        self.ivs = [point for point in self.ivs if point[0] >= time - IV_WINDOW_MS]
        self.moves = [point for point in self.moves if point[0] >= time - MINUTE_MS]
        if row.implied_move is not None:
            self.moves.append((time, row.implied_move))
        yield "pcr_extreme", put_call_multiple(pcr)
        yield "iv_spike", spike(row.atm_iv, [iv for _, iv in self.ivs])
        if row.atm_iv is not None:
            self.ivs.append((time, row.atm_iv))
        before = self.moves[0][1] if self.moves and len(self.ivs) >= HISTORY else 0.0
        yield "straddle_jump", row.implied_move / before - 1 if row.implied_move is not None and before else 0.0
        self._note(row, pcr, max_pain)

    def close(self) -> Iterator[tuple[str, float]]:
        """Readings of the minute that is open, against an hour before or the oldest minute known."""
        minute, self.open = self.open, None
        if minute is None:
            return
        self.minutes = [each for each in self.minutes if each.number >= minute.number - HOUR_MINUTES] + [minute]
        yield "pcr_crossing", crossing(minute.pcr, first(each.pcr for each in self.minutes), 1)
        yield "max_pain_shift", shift(minute, first(each.max_pain for each in self.minutes))
        before = first(each.risk_reversal for each in self.minutes)
        yield "skew_inversion", 100 * crossing(minute.risk_reversal, before, 0)
        yield "expected_move_exceeded", expected_moves(minute, self.minutes)

    def _note(self, row: ChainReading, pcr: float | None, max_pain: float | None) -> None:
        if self.open is None:
            self.open = Minute(row.event_time // MINUTE_MS, row.event_time, row.years)
        minute = self.open
        minute.time, minute.years = row.event_time, row.years
        known = Known(row.forward, pcr, max_pain, row.implied_move, row.risk_reversal_25)
        for name, value in zip(Known._fields, known, strict=True):
            if value is not None:
                setattr(minute, name, value)


class Known(NamedTuple):
    """Columns of a minute that keep their last known value."""

    forward: float | None
    pcr: float | None
    max_pain: float | None
    implied_move: float | None
    risk_reversal: float | None


def trusted_sums(row: ChainReading) -> tuple[float | None, float | None]:
    """Put-call ratio and max pain; None if rows were refused, which sums lack, or if all quotes are stale."""
    if "refused_rows" in row.flags or row.stale_options and row.stale_options >= row.options:
        return None, None
    return row.pcr_open_interest, row.max_pain


def put_call_multiple(pcr: float | None) -> float:
    """Open interest of puts as a multiple of that of calls; negative: of calls as a multiple of puts."""
    if pcr is None:
        return 0.0
    return pcr if pcr >= 1 else -1 / max(pcr, LEAST_RATIO)


def spike(iv: float | None, others: Sequence[float]) -> float:
    """Volatility in standard deviations of the others, at least a tenth of a point, from their mean."""
    if iv is None or len(others) < HISTORY:
        return 0.0
    mean = fsum(others) / len(others)
    deviation = sqrt(fsum((other - mean) * (other - mean) for other in others) / len(others))
    return (iv - mean) / max(deviation, LEAST_DEVIATION)


def crossing(value: float | None, before: float | None, level: float) -> float:
    """Value less the level, if it was on the level's other side before, else 0."""
    if value is None or before is None or (value - level) * (before - level) >= 0:
        return 0.0
    return value - level


def shift(minute: Minute, before: float | None) -> float:
    """Move of max pain in percent of the forward."""
    if minute.max_pain is None or before is None or not minute.forward:
        return 0.0
    return 100 * (minute.max_pain - before) / minute.forward


def expected_moves(minute: Minute, minutes: Sequence[Minute]) -> float:
    """Move of the forward over the mean absolute move that the straddle of then implies for that time."""
    then = next((each for each in minutes if each.forward and each.implied_move and each.years > 0), None)
    if minute.forward is None or then is None or not then.forward or not then.implied_move:
        return 0.0
    passed = minute.time - then.time
    if passed < MOVE_HISTORY_MS:
        return 0.0
    expected = then.implied_move * sqrt(passed / (then.years * YEAR_MS))
    return (minute.forward / then.forward - 1) / expected if expected else 0.0


def first(values: Iterator[float | None]) -> float | None:
    """The first value that is known."""
    return next((value for value in values if value is not None), None)

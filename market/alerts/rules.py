"""Alert rules: unit, range, default thresholds and times of each. docs/alerts.md describes them."""

from dataclasses import asdict, dataclass, replace

import msgspec

from core.envelope import DECODE_ERRORS
from core.errors import UserError
from core.settings import MIN_SHARE_THRESHOLD, Settings

THRESHOLDS = ("medium", "high")
NAMES = (*THRESHOLDS, "held_ms", "cooldown_s")
ALL_BOOKS = "*"
HOUR_MS = 3_600_000
DAY_S = 86_400


class RuleError(UserError):
    """An invalid rule, threshold, value or book; the text names the valid ones."""


@dataclass(frozen=True)
class Thresholds:
    """Values from which an alert is medium and high, and the times of its life; None for one that is not set.

    `held_ms`: time for which a value must stay at a threshold. `cooldown_s`: time for which it must be calm before the
    alert ends.
    """

    medium: float | None = None
    high: float | None = None
    held_ms: int | None = None
    cooldown_s: float | None = None

    def with_defaults(self, defaults: "Thresholds") -> "Thresholds":
        """Return these thresholds, with those of `defaults` in place of None."""
        return Thresholds(
            **asdict(defaults) | {name: value for name, value in asdict(self).items() if value is not None}
        )


@dataclass(frozen=True)
class Rule:
    """One rule. Thresholds range from `minimum` to `maximum`, in `unit`; `default` has all values.

    The value of a `momentary` rule is that of one moment, which no time can be asked for (`held_ms` is 0).
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    default: Thresholds
    momentary: bool = False

    def range_of(self, name: str) -> tuple[float, float, str]:
        """Smallest and largest value of a threshold or time, and its unit."""
        if name == "held_ms":
            return 0, 0 if self.momentary else HOUR_MS, "ms"
        return (0, DAY_S, "s") if name == "cooldown_s" else (self.minimum, self.maximum, self.unit)

    def range_error(self, name: str, value: float) -> str | None:
        """The expected range, for a threshold or time outside of it; None for one within it."""
        minimum, maximum, unit = self.range_of(name)
        return None if minimum <= value <= maximum else f"expected {minimum:g} to {maximum:g} ({unit})"


def alert_rules(settings: Settings) -> dict[str, Rule]:
    """Return all rules by name."""
    share = settings.liquidity_alert_share
    imbalance = Thresholds(settings.alert_threshold_medium, settings.alert_threshold_high, settings.alert_held_ms, 60)
    flip = replace(imbalance, held_ms=1000)
    books = (
        Rule("extreme_imbalance", "absolute imbalance", MIN_SHARE_THRESHOLD, 1, imbalance),
        Rule("imbalance_flip", "absolute imbalance on both sides", MIN_SHARE_THRESHOLD, 1, flip),
        Rule("spread_widening", "times the median spread", 1, 1000, _doubled(settings.spread_alert_multiplier, 3000)),
        Rule(
            "liquidity_withdrawal",
            "share of both sides' depth",
            MIN_SHARE_THRESHOLD,
            1,
            Thresholds(share, (1 + share) / 2, 500, 60),
        ),
        Rule("order_flow_burst", "standard deviations", 0.1, 1000, _doubled(settings.ofi_alert_z, 500)),
        Rule("book_stale", "1: gap, 2: stale or untrusted", 1, 2, Thresholds(1.0, 2.0, 0, 0)),
        Rule("trade_sweep", "price levels taken at once", 2, 1000, _doubled(settings.sweep_alert_levels), True),
        Rule(
            "wall_vanished", "times the depth without the wall", 2, 1000, _doubled(settings.wall_alert_multiple), True
        ),
    )
    return {rule.name: rule for rule in (*books, *_chain_rules(settings))}


def silence_ms(settings: Settings) -> int:
    """Time without a record after which an expiry or an option counts as gone: a minute and `stale_after_s`, ms."""
    return round(1000 * (60 + settings.stale_after_s))


def _chain_rules(settings: Settings) -> tuple[Rule, ...]:
    share, points = settings.interest_alert_share, settings.skew_alert_points
    return (
        Rule("pcr_extreme", "times the other side's open interest", 1, 1000, _doubled(settings.pcr_alert_times)),
        Rule("pcr_crossing", "put-call ratio past 1", 0.001, 100, _doubled(settings.pcr_alert_crossing)),
        Rule("max_pain_shift", "percent of the forward", 0.01, 100, _doubled(settings.max_pain_alert_percent)),
        Rule("iv_spike", "standard deviations", 0.1, 1000, _doubled(settings.iv_alert_z)),
        Rule("skew_inversion", "points of volatility", 0.01, 100, _doubled(points)),
        Rule("open_interest_change", "share of the expiry's open interest", 0.0001, 1, _doubled(share)),
        Rule("straddle_jump", "share of the straddle", 0.001, 100, _doubled(settings.straddle_alert_share)),
        Rule("expected_move_exceeded", "expected moves", 0.1, 100, _doubled(settings.expected_move_alert_times)),
    )


def _doubled(medium: float, held_ms: int = 0, cooldown_s: float = 60) -> Thresholds:
    return Thresholds(float(medium), 2.0 * medium, held_ms, cooldown_s)


def require_rule(rules: dict[str, Rule], name: str) -> Rule:
    """Return the rule with this name. Raises RuleError that lists the names."""
    if name not in rules:
        raise RuleError(f"unknown rule {name!r}; expected one of {', '.join(rules)}")
    return rules[name]


def require_book(book: str) -> str:
    """Return `venue:symbol` or `*` as given. Raises RuleError for anything else."""
    venue, _, symbol = book.partition(":")
    if book != ALL_BOOKS and not (venue and symbol and "|" not in book):
        raise RuleError(f"invalid book {book!r}; expected venue:symbol, or * for all books")
    return book


def parse_thresholds(rule: Rule, assignments: list[str]) -> Thresholds:
    """Parse `NAME=VALUE` texts. Raises RuleError for unknown names, and for values outside of the rule's range."""
    values: dict[str, float] = {}
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        if name not in NAMES:
            raise RuleError(f"{rule.name}: unknown threshold {name!r}; expected {', '.join(NAMES[:-1])} or {NAMES[-1]}")
        try:
            values[name] = int(text) if name == "held_ms" else float(text)
        except ValueError:
            raise RuleError(f"{rule.name}: invalid threshold {assignment}; expected {name}=NUMBER") from None
        if (expected := rule.range_error(name, values[name])) is not None:
            raise RuleError(f"{rule.name}: {assignment} is out of range; {expected}")
    return Thresholds(**values)  # type: ignore[arg-type]


def decode_thresholds(rule: Rule, value: bytes | None) -> Thresholds | None:
    """Thresholds of a record of `alert.rules`, or None for one that deletes them or that no rule could have."""
    try:
        thresholds = msgspec.json.decode(value, type=Thresholds) if value else None
    except DECODE_ERRORS:
        return None
    given = {} if thresholds is None else {name: each for name, each in asdict(thresholds).items() if each is not None}
    return thresholds if all(rule.range_error(name, value) is None for name, value in given.items()) else None


def require_order(rule: Rule, thresholds: Thresholds) -> None:
    """Raise RuleError if the medium threshold is above the high one. Neither may be None."""
    assert thresholds.medium is not None and thresholds.high is not None
    if thresholds.medium > thresholds.high:
        raise RuleError(
            f"{rule.name}: medium={thresholds.medium:g} is above high={thresholds.high:g}; set both thresholds"
        )

"""The alert rules: what each one's value counts, which thresholds make sense, and which hold where nobody set any.

What the rules look at is in `sql/views/`; docs/alerts.md describes them.
"""

from dataclasses import dataclass

from market.errors import UserError
from market.settings import LEAST_SHARE, Settings

THRESHOLDS = ("medium", "high")
ALL_BOOKS = "*"


class RuleError(UserError):
    """A rule, threshold, value or book that there cannot be; the text names what is allowed."""


@dataclass(frozen=True)
class Thresholds:
    """Sizes of a reading at which an alert is medium and high; None is what holds without them."""

    medium: float | None = None
    high: float | None = None

    def over(self, other: "Thresholds") -> "Thresholds":
        """These, and those of `other` where they are None."""
        return Thresholds(
            other.medium if self.medium is None else self.medium, other.high if self.high is None else self.high
        )


@dataclass(frozen=True)
class Rule:
    """One rule. A threshold below `least` or above `most` would never mean anything. `default`: the settings'."""

    name: str
    unit: str
    least: float
    most: float
    default: Thresholds


def alert_rules(settings: Settings) -> dict[str, Rule]:
    """Every rule by name."""
    imbalance = Thresholds(settings.alert_threshold_medium, settings.alert_threshold_high)
    lost = settings.liquidity_alert_share
    books = (
        Rule("extreme_imbalance", "size of the imbalance", LEAST_SHARE, 1, imbalance),
        Rule("imbalance_flip", "size of the imbalance on both sides", LEAST_SHARE, 1, imbalance),
        Rule("spread_widening", "times the median spread", 1, 1000, _doubled(settings.spread_alert_multiplier)),
        Rule("liquidity_withdrawal", "share of both sides' depth", LEAST_SHARE, 1, Thresholds(lost, (1 + lost) / 2)),
        Rule("order_flow_burst", "standard deviations", 0.1, 1000, _doubled(settings.ofi_alert_z)),
        Rule("book_stale", "1 a gap, 2 stale or untrusted", 1, 2, Thresholds(1.0, 2.0)),
        Rule("trade_sweep", "price levels taken at once", 2, 1000, _doubled(float(settings.sweep_alert_levels))),
        Rule("wall_vanished", "times the depth without the wall", 2, 1000, _doubled(settings.wall_alert_multiple)),
    )
    return {rule.name: rule for rule in (*books, *_chain_rules(settings))}


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


def _doubled(medium: float) -> Thresholds:
    return Thresholds(medium, 2 * medium)


def require_rule(rules: dict[str, Rule], name: str) -> Rule:
    """The rule of that name. Raises RuleError that lists the names."""
    if name not in rules:
        raise RuleError(f"no rule is called {name!r}: there are {', '.join(rules)}")
    return rules[name]


def require_book(book: str) -> str:
    """`venue:symbol` or `*`, as given. Raises RuleError for anything else."""
    venue, _, symbol = book.partition(":")
    if book != ALL_BOOKS and not (venue and symbol and "|" not in book):
        raise RuleError(f"{book!r} is no book: expected venue:symbol, such as binance:BTCUSDT, or * for all")
    return book


def parse_thresholds(rule: Rule, assignments: list[str]) -> Thresholds:
    """Thresholds of `NAME=VALUE` texts, each within the rule's range. Raises RuleError that names what is allowed."""
    values: dict[str, float] = {}
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        if name not in THRESHOLDS:
            raise RuleError(f"{rule.name} has no threshold {name!r}: it has {' and '.join(THRESHOLDS)}")
        try:
            values[name] = float(text)
        except ValueError:
            raise RuleError(f"{assignment}: expected {name}=NUMBER") from None
        if not rule.least <= values[name] <= rule.most:
            raise RuleError(
                f"{rule.name}: {assignment} is out of range: expected {rule.least:g} to {rule.most:g} ({rule.unit})"
            )
    return Thresholds(**values)


def require_order(rule: Rule, held: Thresholds) -> None:
    """Raises RuleError when what is to hold has a medium above its high. `held` lacks neither."""
    assert held.medium is not None and held.high is not None
    if held.medium > held.high:
        raise RuleError(f"{rule.name}: medium={held.medium:g} would lie above high={held.high:g}: set both")

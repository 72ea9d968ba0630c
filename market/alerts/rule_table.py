"""Thresholds in effect: the defaults of the rules, and what operators set for all books or for one."""

from collections.abc import Mapping

from market.alerts.episode import Limits
from market.alerts.rules import ALL_BOOKS, Rule, Thresholds, decode_thresholds, require_order

Overrides = dict[tuple[str, str], Thresholds]  # by rule and book (`venue:symbol`, or `*` for all)
UNSET = Thresholds()


def effective_thresholds(rule: Rule, book: str, overrides: Mapping[tuple[str, str], Thresholds]) -> Thresholds:
    """Thresholds of a rule for a book: its own, else those of all books, else the rule's defaults."""
    own, overall = (overrides.get((rule.name, name), UNSET) for name in (book, ALL_BOOKS))
    return own.with_defaults(overall).with_defaults(rule.default)


def apply_record(overrides: Overrides, rules: Mapping[str, Rule], key: str, value: bytes | None) -> None:
    """Apply a record of `alert.rules`; one of an unknown rule, or without valid thresholds, sets nothing."""
    name, _, book = key.partition("|")
    overrides.pop((name, book), None)
    if name in rules and (thresholds := decode_thresholds(rules[name], value)) is not None:
        overrides[name, book] = thresholds


def with_change(overrides: Overrides, rule: Rule, book: str, given: Thresholds) -> Overrides:
    """The overrides with these thresholds of a rule for a book; one that is not given stays as it is.

    Raises RuleError if the medium threshold is then above the high one.
    """
    changed = overrides | {(rule.name, book): given.with_defaults(overrides.get((rule.name, book), UNSET))}
    require_order(rule, effective_thresholds(rule, book, changed))
    return changed


class RuleTable:
    """Limits of every rule and book. `version` changes whenever a threshold may have changed."""

    def __init__(self, rules: Mapping[str, Rule], overrides: Overrides | None = None) -> None:
        self._rules = rules
        self._overrides: Overrides = dict(overrides or {})
        self._defaults = {name: _limits(effective_thresholds(rule, ALL_BOOKS, {})) for name, rule in rules.items()}
        self._overridden = {name for name, _ in self._overrides}
        self.version = 0

    def apply(self, key: str, value: bytes | None) -> None:
        """Apply a record of `alert.rules`."""
        apply_record(self._overrides, self._rules, key, value)
        self._overridden = {name for name, _ in self._overrides}
        self.version += 1

    def limits(self, name: str, book: str) -> Limits:
        """Limits of a rule for a book (`venue:symbol`)."""
        if name not in self._overridden:
            return self._defaults[name]
        return _limits(effective_thresholds(self._rules[name], book, self._overrides))


def _limits(thresholds: Thresholds) -> Limits:
    medium, high, held_ms, cooldown_s = (
        thresholds.medium,
        thresholds.high,
        thresholds.held_ms,
        thresholds.cooldown_s,
    )
    assert medium is not None and high is not None and held_ms is not None and cooldown_s is not None
    return Limits(medium, high, held_ms, round(1000 * cooldown_s))

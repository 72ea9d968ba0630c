"""Alert rules: defaults, ranges, and thresholds that operators set."""

import pytest

from core.settings import Settings
from market.alerts.rules import (
    RuleError,
    Thresholds,
    alert_rules,
    parse_thresholds,
    require_book,
    require_order,
    require_rule,
)

RULES = alert_rules(Settings(_env_file=None))


@pytest.mark.parametrize("name", RULES)
def test_defaults_are_within_their_range_and_in_order(name: str) -> None:
    rule = RULES[name]
    parse_thresholds(rule, [f"medium={rule.default.medium}", f"high={rule.default.high}"])
    require_order(rule, rule.default)


def test_thresholds_are_read_by_name() -> None:
    assert parse_thresholds(RULES["trade_sweep"], ["high=9"]) == Thresholds(high=9.0)


def test_set_thresholds_come_before_defaults() -> None:
    assert Thresholds(high=0.9).with_defaults(Thresholds(0.2, 0.3)) == Thresholds(0.2, 0.9)


@pytest.mark.parametrize(
    ("rule", "assignment", "error_text"),
    [
        (
            "extreme_imbalance",
            "low=1",
            "extreme_imbalance: unknown threshold 'low'; expected medium, high, held_ms or cooldown_s",
        ),
        (
            "extreme_imbalance",
            "medium=much",
            "extreme_imbalance: invalid threshold medium=much; expected medium=NUMBER",
        ),
        (
            "extreme_imbalance",
            "medium=1.5",
            "extreme_imbalance: medium=1.5 is out of range; expected 0.25 to 1 (absolute",
        ),
        ("wall_vanished", "high=nan", "wall_vanished: high=nan is out of range; expected 2 to 1000 (times the depth"),
    ],
)
def test_an_invalid_assignment_is_rejected_with_the_valid_ones(rule: str, assignment: str, error_text: str) -> None:
    with pytest.raises(RuleError) as error:
        parse_thresholds(RULES[rule], [assignment])
    assert str(error.value).startswith(error_text)


def test_a_medium_threshold_above_the_high_one_is_rejected() -> None:
    with pytest.raises(RuleError, match=r"^iv_spike: medium=9 is above high=8; set both thresholds$"):
        require_order(RULES["iv_spike"], Thresholds(9.0, 8.0))


def test_an_unknown_rule_is_rejected_with_the_known_names() -> None:
    with pytest.raises(RuleError, match="^unknown rule 'imbalance'; expected one of extreme_imbalance, imbalance_flip"):
        require_rule(RULES, "imbalance")


@pytest.mark.parametrize("book", ["BTCUSDT", "binance:", ":BTCUSDT", "binance:a|b", ""])
def test_an_invalid_book_is_rejected(book: str) -> None:
    with pytest.raises(RuleError, match="invalid book .*; expected venue:symbol, or \\* for all books"):
        require_book(book)

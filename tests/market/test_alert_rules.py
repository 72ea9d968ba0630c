import pytest

from market.alert_rules import (
    RuleError,
    Thresholds,
    alert_rules,
    parse_thresholds,
    require_book,
    require_order,
    require_rule,
)
from market.settings import Settings

RULES = alert_rules(Settings(_env_file=None))


@pytest.mark.parametrize("name", RULES)
def test_defaults_are_within_their_range_and_in_order(name: str) -> None:
    rule = RULES[name]
    parse_thresholds(rule, [f"medium={rule.default.medium}", f"high={rule.default.high}"])
    require_order(rule, rule.default)


def test_thresholds_are_read_by_name() -> None:
    assert parse_thresholds(RULES["trade_sweep"], ["high=9"]) == Thresholds(high=9.0)


def test_what_is_set_comes_before_what_is_not() -> None:
    assert Thresholds(high=0.9).over(Thresholds(0.2, 0.3)) == Thresholds(0.2, 0.9)


@pytest.mark.parametrize(
    ("rule", "assignment", "said"),
    [
        ("extreme_imbalance", "low=1", "extreme_imbalance has no threshold 'low': it has medium and high"),
        ("extreme_imbalance", "medium=much", "medium=much: expected medium=NUMBER"),
        ("extreme_imbalance", "medium=1.5", "extreme_imbalance: medium=1.5 is out of range: expected 0.25 to 1 (size"),
        ("wall_vanished", "high=nan", "wall_vanished: high=nan is out of range: expected 2 to 1000 (times the depth"),
    ],
)
def test_what_cannot_be_is_said_with_what_can(rule: str, assignment: str, said: str) -> None:
    with pytest.raises(RuleError) as error:
        parse_thresholds(RULES[rule], [assignment])
    assert str(error.value).startswith(said)


def test_a_medium_above_its_high_is_refused() -> None:
    with pytest.raises(RuleError, match=r"^iv_spike: medium=9 would lie above high=8: set both$"):
        require_order(RULES["iv_spike"], Thresholds(9.0, 8.0))


def test_an_unknown_rule_is_answered_with_the_names() -> None:
    with pytest.raises(RuleError, match="^no rule is called 'imbalance': there are extreme_imbalance, imbalance_flip"):
        require_rule(RULES, "imbalance")


@pytest.mark.parametrize("book", ["BTCUSDT", "binance:", ":BTCUSDT", "binance:a|b", ""])
def test_what_is_no_book_is_refused(book: str) -> None:
    with pytest.raises(RuleError, match="is no book: expected venue:symbol, such as binance:BTCUSDT, or \\* for all"):
        require_book(book)

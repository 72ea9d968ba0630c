"""`depthflow rules` against a real broker."""

import json
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from ingestion.rules_cli import app
from ingestion.topics import ensure_topics
from market.alert_rules import RuleError, alert_rules
from market.settings import Settings
from market.topics import RULES
from tests.conftest import Stack


@pytest.fixture(scope="module")
def prefix(stack: Stack) -> str:
    name = f"{uuid4().hex[:8]}-"
    ensure_topics(stack.kafka, 2, [RULES], name)
    return name


@pytest.fixture(autouse=True)
def environment(stack: Stack, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka)
    monkeypatch.setenv("TOPIC_PREFIX", prefix)
    monkeypatch.setenv("COLUMNS", "200")


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, RuleError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def listed(rule: str) -> dict[str, tuple[float, float]]:
    """What holds for a rule, by book."""
    rows = [json.loads(line) for line in said("list", "--json").splitlines()]
    return {row["book"]: (row["medium"], row["high"]) for row in rows if row["rule"] == rule}


def test_defaults_are_listed_where_nothing_is_set() -> None:
    rows = [json.loads(line) for line in said("list", "--json").splitlines()]
    assert [row["rule"] for row in rows] == list(alert_rules(Settings(_env_file=None)))
    assert listed("spread_widening") == {"*": (2.0, 4.0)}


def test_one_threshold_is_set_and_the_other_stays() -> None:
    book = ("--book", "kraken:BTC/USD")
    assert said("set", "iv_spike", "high=9", *book) == "iv_spike on kraken:BTC/USD: medium by default, high 9\n"
    assert said("set", "iv_spike", "medium=5", *book) == "iv_spike on kraken:BTC/USD: medium 5, high 9\n"
    assert listed("iv_spike") == {"*": (4.0, 8.0), "kraken:BTC/USD": (5.0, 9.0)}
    shown = said("list")
    assert "kraken:BTC/USD" in shown and "standard deviations" in shown
    said("set", "iv_spike", "--unset", *book)
    assert listed("iv_spike") == {"*": (4.0, 8.0)}


def test_what_is_set_for_all_books_holds_below_what_is_set_for_one() -> None:
    said("set", "trade_sweep", "medium=6")
    said("set", "trade_sweep", "high=20", "--book", "binance:X")
    assert listed("trade_sweep") == {"*": (6.0, 8.0), "binance:X": (6.0, 20.0)}
    with pytest.raises(RuleError, match="^trade_sweep: medium=9 would lie above high=8: set both$"):
        said("set", "trade_sweep", "medium=9")


def test_nothing_to_do_and_both_at_once_are_refused() -> None:
    for arguments in ((), ("medium=6", "--unset")):
        with pytest.raises(RuleError, match="^give thresholds such as medium=0.6, or --unset, and not both$"):
            said("set", "trade_sweep", *arguments)

"""`depthflow rules` against a real broker."""

import json
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from core.settings import Settings
from core.topics import RULES, TICKS
from ingestion.producer import ProducerConfig, RawProducer
from ingestion.topics import ensure_topics
from market.alerts.rules import RuleError, alert_rules
from reader.rules_cli import app
from tests.conftest import Stack
from tests.market.alerts.builders import trade_tick


@pytest.fixture(scope="module")
def prefix(stack: Stack) -> str:
    name = f"{uuid4().hex[:8]}-"
    ensure_topics(stack.kafka, 2, [RULES, TICKS], name)
    return name


@pytest.fixture(autouse=True)
def environment(stack: Stack, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka)
    monkeypatch.setenv("TOPIC_PREFIX", prefix)
    monkeypatch.setenv("COLUMNS", "200")


def run_rules(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, RuleError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def effective_by_book(rule: str) -> dict[str, tuple[float, float]]:
    """Effective thresholds of a rule, by book."""
    rows = [json.loads(line) for line in run_rules("list", "--json").splitlines()]
    return {row["book"]: (row["medium"], row["high"]) for row in rows if row["rule"] == rule}


def test_defaults_are_listed_where_nothing_is_set() -> None:
    rows = [json.loads(line) for line in run_rules("list", "--json").splitlines()]
    assert [row["rule"] for row in rows] == list(alert_rules(Settings(_env_file=None)))
    assert effective_by_book("spread_widening") == {"*": (2.0, 4.0)}


def test_one_threshold_is_set_and_the_other_is_unchanged() -> None:
    book = ("--book", "kraken:BTC/USD")
    assert run_rules("set", "iv_spike", "high=9", *book) == "iv_spike on kraken:BTC/USD: medium default, high 9\n"
    assert run_rules("set", "iv_spike", "medium=5", *book) == "iv_spike on kraken:BTC/USD: medium 5, high 9\n"
    assert effective_by_book("iv_spike") == {"*": (4.0, 8.0), "kraken:BTC/USD": (5.0, 9.0)}
    shown = run_rules("list")
    assert "kraken:BTC/USD" in shown and "standard deviations" in shown
    run_rules("set", "iv_spike", "--unset", *book)
    assert effective_by_book("iv_spike") == {"*": (4.0, 8.0)}


def test_thresholds_of_one_book_override_those_of_all_books() -> None:
    run_rules("set", "trade_sweep", "medium=6")
    run_rules("set", "trade_sweep", "high=20", "--book", "binance:X")
    assert effective_by_book("trade_sweep") == {"*": (6.0, 12.0), "binance:X": (6.0, 20.0)}
    with pytest.raises(RuleError, match="^trade_sweep: medium=13 is above high=12; set both thresholds$"):
        run_rules("set", "trade_sweep", "medium=13")


def test_times_are_set_beside_the_thresholds_and_listed() -> None:
    book = ("--book", "kraken:ETH/USD")
    printed = run_rules("set", "spread_widening", "held_ms=5000", "cooldown_s=0", *book)
    assert printed == "spread_widening on kraken:ETH/USD: medium default, high default, held_ms 5000, cooldown_s 0\n"
    rows = [json.loads(line) for line in run_rules("list", "--json").splitlines()]
    (row,) = [row for row in rows if row["book"] == "kraken:ETH/USD" and row["rule"] == "spread_widening"]
    assert (row["held_ms"], row["cooldown_s"], row["held_ms_set"]) == (5000, 0, True)
    assert (row["held_ms_default"], row["cooldown_s_default"], row["medium_set"]) == (3000, 60, False)


def test_ticks_of_the_topic_show_the_effect_of_a_change(stack: Stack, prefix: str) -> None:
    producer = RawProducer.connect(ProducerConfig(stack.kafka, prefix))
    producer.write(TICKS.name, b"kraken:SWEPT", trade_tick(0, buy_levels=7))
    producer.close()
    (row,) = [json.loads(line) for line in run_rules("try", "topic", "trade_sweep", "high=7", "--json").splitlines()]
    counts = {"enter": 1, "high": 0, "enter_changed": 1, "high_changed": 1}
    assert row == {"rule": "trade_sweep", "book": "kraken:SWEPT"} | counts


def test_thresholds_and_unset_are_mutually_exclusive_and_one_is_required() -> None:
    for arguments in ((), ("medium=6", "--unset")):
        with pytest.raises(RuleError, match="^expected either thresholds such as medium=0.6, or --unset$"):
            run_rules("set", "trade_sweep", *arguments)

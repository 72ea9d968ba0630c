"""Trial of other thresholds on ticks and recordings."""

import json
from itertools import takewhile
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from market.alerts.rule_table import RuleTable
from market.alerts.rules import RuleError, Thresholds
from reader import rules_cli
from reader.rule_trial import Trial, try_thresholds
from reader.rules_cli import app
from simulator.frame_generator import START_US, Generator, Plan
from simulator.registry import instrument
from tests.market.alerts.builders import RULES, SILENCE_MS, book_tick, trade_tick


def test_alerts_of_both_tables_are_counted_by_rule_and_book() -> None:
    sweeps = [("kraken:X", trade_tick(100_000 * number, buy_levels=7)) for number in range(3)]
    ticks = [*sweeps, ("kraken:Y", trade_tick(0, sell_levels=12)), ("kraken:Y", book_tick(0))]
    changed = RuleTable(RULES, {("trade_sweep", "kraken:X"): Thresholds(high=7.0)})
    assert try_thresholds(ticks, RuleTable(RULES), changed, SILENCE_MS) == [
        Trial("trade_sweep", "kraken:X", enter=3, high=0, enter_changed=3, high_changed=3),
        Trial("trade_sweep", "kraken:Y", enter=1, high=1, enter_changed=1, high_changed=1),
    ]


@pytest.mark.parametrize(("stale_after_s", "episodes"), [(5, 2), (30, 1)])
def test_the_settings_say_which_tick_sets_a_book_back(
    stale_after_s: int, episodes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tick that is 70 s older than the one before is only late with the default of `STALE_AFTER_S`, 30 s."""
    ticks = [("kraken:X", trade_tick(ms, buy_levels=7, seq=seq)) for seq, ms in enumerate((100_000, 30_000))]
    monkeypatch.setenv("STALE_AFTER_S", str(stale_after_s))
    monkeypatch.setattr(rules_cli, "recorded_ticks", lambda *_: ticks)
    result = CliRunner().invoke(app, ["try", "any.gz", "trade_sweep", "high=9", "--defaults", "--json"])
    assert [json.loads(line)["enter"] for line in result.output.splitlines()] == [episodes], result.output


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of one symbol."""
    path = tmp_path_factory.mktemp("recordings") / "two_minutes.jsonl"
    generator = Generator(Plan((instrument("kraken", "BTC/USD"),)))
    envelopes = takewhile(lambda envelope: envelope.recv_us < START_US + 120_000_000, generator)
    path.write_bytes(b"".join(msgspec.json.encode(envelope) + b"\n" for envelope in envelopes))
    return path


def test_a_recording_shows_the_effect_of_a_change(recording: Path) -> None:
    arguments = ["try", str(recording), "trade_sweep", "medium=2", "cooldown_s=0", "--defaults", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    (row,) = [json.loads(line) for line in result.output.splitlines()]
    assert (row["rule"], row["book"], row["enter"]) == ("trade_sweep", "kraken:BTC/USD", 0)
    assert row["enter_changed"] > 0


def test_an_invalid_change_is_refused_before_anything_is_read() -> None:
    result = CliRunner().invoke(app, ["try", "none.gz", "trade_sweep", "held_ms=5", "--defaults"])
    assert isinstance(result.exception, RuleError)
    assert str(result.exception) == "trade_sweep: held_ms=5 is out of range; expected 0 to 0 (ms)"

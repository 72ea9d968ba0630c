"""Every rule on option chains from enter through escalate to exit, from hand-written records."""

from collections.abc import Iterable, Mapping

import msgspec
import pytest

from core import topics
from core.records import Alert
from market.alerts.inputs import ChainReading, InterestReading, StateReading
from market.alerts.rule_table import RuleTable
from market.options.records import ChainRecord, SurfaceRecord
from tests.market.alerts.builders import EXPIRY, NOON, alerts, chain, engine, option, status, table

LATER = EXPIRY + 7 * 86_400_000
SYMBOL = "BTC-2026-06-26"
MINUTES = [60 * minute + 30 for minute in range(10)]


def raised(
    values: Iterable[bytes], rules: RuleTable | None = None, topic: topics.Topic = topics.OPTION_CHAINS
) -> list[Alert]:
    return alerts(values, topic, "deribit:BTC", rules)


def phases(found: Iterable[Alert], rule: str, symbol: str = SYMBOL) -> list[tuple[str, str, int]]:
    """Phase, severity and time (seconds after noon) of each alert of a rule on a symbol."""
    own = [alert for alert in found if (alert.rule, alert.symbol) == (rule, symbol)]
    return [(alert.phase, alert.severity, (alert.event_time - NOON) // 1000) for alert in own]


def medium_high_exit(*seconds: int) -> list[tuple[str, str, int]]:
    return list(zip(("enter", "escalate", "exit"), ("medium", "high", "high"), seconds, strict=True))


def chains(field: str, values: Mapping[int, object], seconds: Iterable[int]) -> list[bytes]:
    """A record at each second with the last given value of the field."""
    found, now = [], {}
    for second in seconds:
        now = {field: values[second]} if second in values else now
        found.append(chain(second, **now))
    return found


def by_minute(field: str, *values: object) -> list[bytes]:
    """A record in the middle of each minute, and one of the next minute, which closes the last."""
    times = MINUTES[: len(values) + 1]
    return chains(field, dict(zip(times, values, strict=False)), times)


def test_fields_that_rules_read_exist_in_the_records() -> None:
    assert set(ChainReading.__struct_fields__) <= set(ChainRecord.__struct_fields__)
    assert set(InterestReading.__struct_fields__) <= set(SurfaceRecord.__struct_fields__)
    assert set(StateReading.__struct_fields__) <= {"event_time", "state"}


def test_a_put_call_ratio_at_either_extreme() -> None:
    found = raised(chains("pcr_open_interest", {0: 1.2, 1: 2.5, 2: 4.5, 3: 1.9, 4: 1.0}, range(5)))
    assert phases(found, "pcr_extreme") == medium_high_exit(1, 2, 4)
    few = raised(chains("pcr_open_interest", {0: 0.4, 1: 0.0, 2: 0.8}, range(3)))
    assert phases(few, "pcr_extreme") == medium_high_exit(0, 1, 2)
    assert [alert.value for alert in few][:2] == [-2.5, -1000.0]


def test_a_ratio_of_refused_rows_or_of_stale_quotes_raises_no_alert() -> None:
    assert raised(chain(s, pcr_open_interest=4.5, flags=["refused_rows"]) for s in range(3)) == []
    assert raised(chain(s, pcr_open_interest=4.5, stale_options=9) for s in range(3)) == []
    patched = [chain(0, pcr_open_interest=2.5, flags=["stale_quotes"], stale_options=8)]
    patched.append(chain(1, pcr_open_interest=2.5, flags=["refused_rows"]))
    assert phases(raised(patched), "pcr_extreme") == [("enter", "medium", 0), ("exit", "medium", 1)]


def test_an_undefined_ratio_ends_the_episode() -> None:
    found = raised([chain(0, pcr_open_interest=2.5), chain(1, pcr_open_interest=None)])
    assert phases(found, "pcr_extreme") == [("enter", "medium", 0), ("exit", "medium", 1)]


def test_a_ratio_that_crosses_one() -> None:
    found = raised(by_minute("pcr_open_interest", 0.9, 1.02, 1.06, 1.2, 1.0))
    assert phases(found, "pcr_crossing") == medium_high_exit(*MINUTES[2:5])


def test_a_move_of_max_pain() -> None:
    found = raised(by_minute("max_pain", 100.0, 101.0, 103.0, 105.0, 101.0))
    assert phases(found, "max_pain_shift") == medium_high_exit(*MINUTES[2:5])


def test_a_volatility_against_its_own_history() -> None:
    alternating = {second: 0.5 + 0.002 * (-1) ** second for second in range(61)}
    found = raised(chains("atm_iv", alternating | {61: 0.51, 62: 0.53, 63: 0.5}, range(64)))
    assert phases(found, "iv_spike") == medium_high_exit(61, 62, 63)
    assert raised(chains("atm_iv", {0: 0.5, 61: 0.501}, range(64))) == []  # a tenth of a point is no spike


def test_a_skew_that_changes_its_sign() -> None:
    found = raised(by_minute("risk_reversal_25", -0.02, 0.003, 0.006, 0.012, -0.001))
    assert phases(found, "skew_inversion") == medium_high_exit(*MINUTES[2:5])


def test_a_straddle_against_that_of_a_minute_before() -> None:
    found = raised(chains("implied_move", {0: 0.1, 61: 0.115, 62: 0.125, 63: 0.1}, range(64)))
    assert phases(found, "straddle_jump") == medium_high_exit(61, 62, 63)


def test_a_forward_that_moves_more_than_its_straddle_implies() -> None:
    """Five minutes must have passed; the mean move implied by the straddle grows with the root of time."""
    found = raised(by_minute("forward", *[100.0] * 4, 103.0, 100.0, 100.4, 100.8, 100.0))
    assert phases(found, "expected_move_exceeded") == medium_high_exit(*MINUTES[6:9])
    first = next(alert for alert in found if alert.rule == "expected_move_exceeded")
    assert first.value == pytest.approx(0.004 / (0.1 * (360 / (30 * 86_400)) ** 0.5))


def test_an_expiry_that_falls_silent_ends_its_episodes_by_the_clock_of_its_chain() -> None:
    values = [chain(0, pcr_open_interest=2.5), chain(1, pcr_open_interest=4.5), chain(90, LATER), chain(91, LATER)]
    found = raised([*values, chain(100, pcr_open_interest=4.5)])
    assert phases(found, "pcr_extreme") == [*medium_high_exit(0, 1, 91), ("enter", "high", 100)]


def test_a_state_other_than_synced_ends_all_episodes_of_the_chain_at_once() -> None:
    made = engine("deribit:BTC", table(pcr_extreme={"cooldown_s": 60.0}))
    assert made.apply_all("orderbook.status", [status(0, "stale")]).alerts == []  # no chain is known under this key
    made.apply_all("options.chain", [chain(0, pcr_open_interest=2.5)])
    lines = made.apply_all("orderbook.status", [status(40, "stale"), status(50, "synced")]).alerts
    found = [msgspec.json.decode(line, type=Alert) for _, line in lines]
    assert phases(found, "pcr_extreme") == [("exit", "medium", 40)]
    assert phases(found, "book_stale", "BTC") == [("enter", "high", 40), ("exit", "high", 50)]


def test_a_repeated_second_changes_nothing() -> None:
    values = [chain(0, pcr_open_interest=2.5), chain(1), chain(0, pcr_open_interest=2.5), chain(1)]
    assert phases(raised(values), "pcr_extreme") == [("enter", "medium", 0), ("exit", "medium", 1)]


def test_thresholds_of_one_expiry_override_those_of_all() -> None:
    rules = table()
    rules.apply(f"pcr_extreme|deribit:{SYMBOL}", b'{"medium": 1.1}')
    found = raised([chain(0, pcr_open_interest=1.2), chain(0, LATER, pcr_open_interest=1.2)], rules)
    assert [(alert.symbol, alert.threshold, alert.value) for alert in found] == [(SYMBOL, 1.1, 1.2)]


def test_a_change_of_open_interest_that_is_large_for_its_expiry() -> None:
    drifting = {f"{number}-C": step for number, step in enumerate((0.1, 0.2, 0.3, -0.1, -0.2))}
    rows = []
    for minute, second in enumerate(MINUTES[:5]):
        rows += [option(second, name, 4.0 + minute * step) for name, step in drifting.items()]
        rows.append(option(second, "90-P", 900.0))
        rows.append(option(second, "100-C", (100.0, 160.0, 220.0, 110.0, 110.0)[minute]))
        rows.append(option(second, "110-C", (None, 50.0, 52.0, None, None)[minute]))
    found = raised(rows, topic=topics.OPTION_SURFACES)
    assert phases(found, "open_interest_change", "100-C") == medium_high_exit(*MINUTES[1:4])
    assert {alert.symbol for alert in found} == {"100-C"}
    assert found[0].value == pytest.approx(60 / (900 + 160 + 50 + 20.3))


@pytest.mark.parametrize("steps", [(60.0, 50.0, 55.0, 40.0, 45.0), (60.0, 0.0, 0.0, 0.0, 0.0)])
def test_a_change_common_to_its_expiry_or_without_others_to_compare_raises_no_alert(steps: tuple[float, ...]) -> None:
    rows = [
        option(second, f"{number}-C", 100.0 + minute * step)
        for minute, second in enumerate(MINUTES[:5])
        for number, step in enumerate(steps)
    ]
    assert raised(rows, topic=topics.OPTION_SURFACES) == []


def test_an_option_that_is_delisted_ends_its_episode() -> None:
    rows = [option(30, "A", 100.0), option(30, "B", 100.0), option(30, "C", 100.0)]
    rows += [option(90, "A", 200.0), option(90, "B", 101.0), option(90, "C", 99.0), option(150, "B", 101.0)]
    rows += [option(210, "B", 101.0), option(270, "B", 101.0)]
    found = raised(rows, topic=topics.OPTION_SURFACES)
    assert phases(found, "open_interest_change", "A") == [("enter", "high", 90), ("exit", "high", 180)]


def test_an_alert_names_chain_expiry_and_episode() -> None:
    (first,) = raised([chain(0), chain(1, pcr_open_interest=2.5)])
    assert {name: getattr(first, name) for name in first.__struct_fields__} == {
        "id": f"pcr_extreme|deribit|{SYMBOL}|{NOON + 1000}|enter", "venue": "deribit", "symbol": SYMBOL,
        "rule": "pcr_extreme", "severity": "medium", "phase": "enter", "episode": NOON + 1000,
        "event_time": NOON + 1000, "value": 2.5, "threshold": 2.0,
        "message": f"deribit:{SYMBOL} pcr_extreme enter: value 2.5000, threshold 2.0000 (medium)",
    }  # fmt: skip

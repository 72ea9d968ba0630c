"""Every rule on option chains from entry through escalation to exit, each on a chain of its own, from rows by hand."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone

import pytest

from tests.flink import Row

NOON = 1767268800000
EXPIRY = int(datetime(2026, 6, 26, 8, tzinfo=timezone.utc).timestamp() * 1000)
MONTH = 30 / 365
CALM = {"pcr_open_interest": 0.8, "max_pain": 100.0, "forward": 100.0, "implied_move": 0.1, "atm_iv": 0.5}
MINUTES = [60 * minute + 30 for minute in range(10)]


def chain(underlying: str, second: int, **values: object) -> Row:
    fixed = {"venue": "deribit", "underlying": underlying, "expiry": EXPIRY, "event_time": NOON + 1000 * second}
    return fixed | {"years": MONTH, "risk_reversal_25": -0.02} | CALM | values


def chains(underlying: str, field: str, values: Mapping[int, object], seconds: Iterable[int]) -> Iterable[Row]:
    """A row at each second, the field as last given."""
    now = None
    for second in seconds:
        now = values.get(second, now)
        yield chain(underlying, second, **({} if now is None else {field: now}))


def by_minute(underlying: str, field: str, *values: object) -> Iterable[Row]:
    """A row in the middle of each minute."""
    return chains(underlying, field, dict(zip(MINUTES, values, strict=False)), MINUTES[: len(values)])


def option(minute: int, name: str, held: float | None, underlying: str = "HELD") -> Row:
    fixed = {"venue": "deribit", "underlying": underlying, "expiry": EXPIRY, "strike": 100.0, "kind": "call"}
    return (
        fixed
        | {"instrument": f"{underlying}-26JUN26-{name}", "event_time": NOON + 1000 * MINUTES[minute]}
        | {"open_interest": held}
    )


def drifting(underlying: str, held: float, *steps: float) -> Iterable[Row]:
    """Options that begin with so much and change by a step of their own each minute."""
    for minute in range(4):
        for number, step in enumerate(steps):
            yield option(minute, f"{number}-C", held + minute * step, underlying)


TREMBLING = {second: 0.5 + 0.002 * (-1) ** second for second in range(61)}
CHAINS = [
    *chains("RATIO", "pcr_open_interest", {0: 1.2, 1: 2.5, 2: 4.5, 3: 1.9, 4: 1.0}, range(5)),
    *chains("FEWPUTS", "pcr_open_interest", {0: 0.4, 1: 0.0, 2: 0.8}, range(3)),
    *chains("RULED", "pcr_open_interest", {0: 1.2, 1: 1.0}, range(2)),
    *chains("VOL", "atm_iv", TREMBLING | {61: 0.51, 62: 0.53, 63: 0.5}, range(64)),
    *chains("FLAT", "atm_iv", {0: 0.5, 61: 0.501}, range(64)),
    *chains("JUMP", "implied_move", {0: 0.1, 61: 0.115, 62: 0.125, 63: 0.1}, range(64)),
    *by_minute("CROSS", "pcr_open_interest", 0.9, 1.02, 1.06, 1.2, 1.0),
    *by_minute("PAIN", "max_pain", 100.0, 101.0, 103.0, 105.0, 101.0),
    *by_minute("SKEW", "risk_reversal_25", -0.02, 0.003, 0.006, 0.012, -0.001),
    *by_minute("MOVE", "forward", *[100.0] * 4, 103.0, 100.0, 100.4, 100.8, 100.0),
    chain("GONE", 0, pcr_open_interest=2.5),
    chain("GONE", 1, pcr_open_interest=None),
    *chains("SILENT", "pcr_open_interest", {0: 2.5, 1: 4.5, 100: 4.5}, (0, 1, 100)),
    *by_minute("MUTE", "max_pain", 100.0, 103.0),
]
OPTIONS = [
    *drifting("HELD", 4.0, 0.1, 0.2, 0.3, -0.1, -0.2),
    *drifting("ALIKE", 100.0, 60.0, 50.0, 55.0, 40.0, 45.0),
    *drifting("ALONE", 100.0, 60.0, 0.0, 0.0, 0.0, 0.0),
    *(option(minute, "90-P", 900.0) for minute in range(4)),
    *(option(minute, "100-C", held) for minute, held in enumerate((100.0, 160.0, 220.0, 110.0))),
    *(option(minute, "110-C", held) for minute, held in enumerate((None, 50.0, 52.0, None))),
]
INPUTS = {
    name: sorted(rows, key=lambda row: row["event_time"])
    for name, rows in (("option_chains", CHAINS), ("option_surfaces", OPTIONS))
}
RULES = [{"rule_key": "pcr_extreme|deribit:RULED-2026-06-26", "medium": 1.1, "high": None}]


def story(alerts: list[Row], rule: str, underlying: str) -> list[tuple[str, str, int]]:
    """Phase, severity and time (seconds after noon) of each of one rule's alerts on one chain."""
    wanted = [row for row in alerts if row["rule"] == rule and row["symbol"].startswith(f"{underlying}-")]
    return [(row["phase"], row["severity"], (row["event_time"] - NOON) // 1000) for row in wanted]


def climb(*seconds: int) -> list[tuple[str, str, int]]:
    """The story of a value that becomes medium, then high, then calm."""
    return list(zip(("enter", "escalate", "exit"), ("medium", "high", "high"), seconds, strict=True))


def test_a_put_call_ratio_at_either_extreme(alerts: list[Row]) -> None:
    assert story(alerts, "pcr_extreme", "RATIO") == climb(1, 2, 4)
    assert story(alerts, "pcr_extreme", "FEWPUTS") == climb(0, 1, 2)


def test_a_ratio_that_does_not_exist_any_more_ends_the_episode(alerts: list[Row]) -> None:
    assert story(alerts, "pcr_extreme", "GONE") == [("enter", "medium", 0), ("exit", "medium", 1)]


def test_a_ratio_that_crosses_one(alerts: list[Row]) -> None:
    assert story(alerts, "pcr_crossing", "CROSS") == climb(*MINUTES[2:5])


def test_a_max_pain_that_moves(alerts: list[Row]) -> None:
    assert story(alerts, "max_pain_shift", "PAIN") == climb(*MINUTES[2:5])


def test_a_volatility_against_its_own_past(alerts: list[Row]) -> None:
    assert story(alerts, "iv_spike", "VOL") == climb(61, 62, 63)
    assert story(alerts, "iv_spike", "FLAT") == []  # a tenth of a point is no spike, however calm it was


def test_a_skew_that_changes_its_side(alerts: list[Row]) -> None:
    assert story(alerts, "skew_inversion", "SKEW") == climb(*MINUTES[2:5])


def test_a_straddle_against_that_of_a_minute_ago(alerts: list[Row]) -> None:
    assert story(alerts, "straddle_jump", "JUMP") == climb(61, 62, 63)


def test_a_forward_that_goes_further_than_its_straddle_expects(alerts: list[Row]) -> None:
    """Five minutes must have passed; then the straddle's mean move grows with the root of time."""
    assert story(alerts, "expected_move_exceeded", "MOVE") == climb(*MINUTES[6:9])
    first = next(row for row in alerts if row["rule"] == "expected_move_exceeded")
    assert first["value"] == pytest.approx(0.004 / (0.1 * (360 / (MONTH * 365 * 86_400)) ** 0.5))


def test_open_interest_that_is_much_of_its_expiry(alerts: list[Row]) -> None:
    assert story(alerts, "open_interest_change", "HELD") == climb(*MINUTES[1:4])
    found = [row for row in alerts if row["rule"] == "open_interest_change"]
    assert {row["symbol"] for row in found} == {"HELD-26JUN26-100-C"}
    assert found[0]["value"] == pytest.approx(60 / (900 + 160 + 50 + 20.3))


def test_open_interest_that_changes_as_everywhere_or_nowhere_else_in_its_expiry(alerts: list[Row]) -> None:
    """Every option of ALIKE changes much, and ALONE has nothing to measure one change by."""
    assert {row["symbol"] for row in alerts if row["symbol"].startswith(("ALIKE", "ALONE"))} == set()


def test_the_episode_of_a_silent_chain_ends_after_a_minute_and_what_makes_it_stale(alerts: list[Row]) -> None:
    gone = 60 + 30
    assert story(alerts, "pcr_extreme", "SILENT") == [
        *climb(0, 1, 1 + gone),
        ("enter", "high", 100),
        ("exit", "high", 100 + gone),
    ]
    assert story(alerts, "max_pain_shift", "MUTE") == [
        ("enter", "medium", MINUTES[1]),
        ("exit", "medium", MINUTES[1] + gone),
    ]


def test_thresholds_of_one_expiry_come_before_the_settings(alerts: list[Row]) -> None:
    (ruled,) = [row for row in alerts if (row["symbol"], row["phase"]) == ("RULED-2026-06-26", "enter")]
    assert (ruled["rule"], ruled["threshold"], ruled["value"]) == ("pcr_extreme", 1.1, 1.2)


def test_an_alert_names_chain_expiry_and_episode(alerts: list[Row]) -> None:
    first = next(row for row in alerts if row["symbol"].startswith("RATIO"))
    assert first == {
        "id": f"pcr_extreme|deribit|RATIO-2026-06-26|{NOON + 1000}|enter", "venue": "deribit",
        "symbol": "RATIO-2026-06-26", "rule": "pcr_extreme", "severity": "medium", "phase": "enter",
        "episode": NOON + 1000, "event_time": NOON + 1000, "value": 2.5, "threshold": 2.0,
        "message": "pcr_extreme enter (medium) on deribit:RATIO-2026-06-26: 2.5000 against 2.0000",
    }  # fmt: skip


def test_chains_that_are_calm_say_nothing_of_other_rules(alerts: list[Row]) -> None:
    told = {(row["rule"], row["symbol"].partition("-")[0]) for row in alerts if row["venue"] == "deribit"}
    expected = {("pcr_extreme", name) for name in ("RATIO", "FEWPUTS", "RULED", "GONE", "SILENT")}
    expected |= {("iv_spike", "VOL"), ("straddle_jump", "JUMP"), ("pcr_crossing", "CROSS"), ("max_pain_shift", "PAIN")}
    expected |= {("skew_inversion", "SKEW"), ("expected_move_exceeded", "MOVE"), ("open_interest_change", "HELD")}
    expected |= {("max_pain_shift", "MUTE")}
    assert told == expected

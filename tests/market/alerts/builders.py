"""Records that rules read, and the alerts of one key from them."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

import msgspec

from core import topics
from core.records import Alert, Status
from core.settings import Settings
from core.topics import Topic
from market.alerts.engine import AlertEngine
from market.alerts.rule_table import RuleTable
from market.alerts.rules import Thresholds, alert_rules
from market.orderbook.tick_records import BookTick, TradeTick

NOON = 1767268800000  # UTC, 1 January 2026
EXPIRY = int(datetime(2026, 6, 26, 8, tzinfo=timezone.utc).timestamp() * 1000)
SILENCE_MS = 90_000
RULES = alert_rules(Settings(_env_file=None))
AT_ONCE = {rule: {"held_ms": 0, "cooldown_s": 0.0} for rule in RULES} | {
    "extreme_imbalance": {"held_ms": 1000, "cooldown_s": 0.0}
}
NEUTRAL: dict[str, Any] = {
    **dict.fromkeys(("reason", "update_id", "best_bid", "best_bid_size", "best_ask", "best_ask_size", "mid")),
    **dict.fromkeys(("microprice", "spread", "weighted_imbalance", "vtob", "ofi", "levels_bid", "levels_ask", "depth")),
    **{"reason": "", "state": "synced", "late": 0, "one_sided": False, "flags": [], "recv_us": 0},
}
HISTORY = {"updates_5s": 50, "bid_depth_mean_5s": 10.0, "ask_depth_mean_5s": 10.0} | {
    **{"spread_bps_median_5m": 1.0, "spread_seconds_5m": 60},
    **{"ofi_mean_5m": 0.0, "ofi_std_5m": 1.0, "ofi_seconds_5m": 60, "ofi_1s": 0.0},
}


def book_tick(ms: int, seq: int | None = None, updates: int = 1, **values: Any) -> bytes:
    """A tick of 100 ms (0 without updates) at noon plus `ms`.

    Imbalance, spread_bps and depths are those of its only update.
    """
    now = {"imbalance": 0.0, "spread_bps": 1.0, "bid_depth": 10.0, "ask_depth": 10.0} | values
    own: dict[str, Any] = {}
    if updates:
        own = {"imbalance_low": now["imbalance"], "imbalance_high": now["imbalance"]}
        own |= {"spread_bps_sum": now["spread_bps"], "spread_bps_count": 1}
        own |= {f"{side}_depth_{end}": now[f"{side}_depth"] for side in ("bid", "ask") for end in ("low", "high")}
    end = NOON + ms + (100 if updates else 0)
    place = {"seq": ms if seq is None else seq, "start": NOON + ms, "end": end, "event_time": NOON + ms}
    return msgspec.json.encode(
        BookTick(**{"venue": "kraken", "symbol": "X", "updates": updates} | place | NEUTRAL | HISTORY | own | now)
    )


def lost(ms: int, state: str) -> bytes:
    """A tick without updates in this state."""
    return book_tick(ms, updates=0, state=state, reason="test")


def trade_tick(ms: int, buy_levels: int = 0, sell_levels: int = 0, seq: int | None = None) -> bytes:
    prices = dict.fromkeys(("open", "high", "low", "close", "volume", "notional", "signed_volume"), 1.0)
    times = {"start": NOON + ms, "end": NOON + ms + 100, "event_time": NOON + ms, "recv_us": 0}
    counts = {
        "trades": 1,
        "buys": 0,
        "late": 0,
        "seq": ms if seq is None else seq,
        "buy_levels": buy_levels,
        "sell_levels": sell_levels,
    }
    return msgspec.json.encode(TradeTick(venue="kraken", symbol="X", **prices, **times, **counts))  # type: ignore[arg-type]


def chain(second: float, expiry: int = EXPIRY, **values: Any) -> bytes:
    neutral = {"pcr_open_interest": 0.8, "max_pain": 100.0, "forward": 100.0, "implied_move": 0.1, "atm_iv": 0.5}
    fixed = {"expiry": expiry, "event_time": NOON + round(1000 * second), "years": 30 / 365, "options": 9, "flags": []}
    return json.dumps(fixed | {"risk_reversal_25": -0.02, "stale_options": 0} | neutral | values).encode()


def option(second: float, name: str, open_interest: float | None, expiry: int = EXPIRY) -> bytes:
    time = NOON + round(1000 * second)
    row = {"instrument": name, "expiry": expiry, "event_time": time, "open_interest": open_interest, "kind": "call"}
    return json.dumps(row).encode()


def status(second: float, state: Any) -> bytes:
    return msgspec.json.encode(Status("deribit", "BTC", NOON + round(1000 * second), state, "test"))


def table(**overrides: dict[str, float]) -> RuleTable:
    """Thresholds without a time to hold and a cooldown (but for `extreme_imbalance`), and what else is given."""
    given = {rule: AT_ONCE[rule] | overrides.get(rule, {}) for rule in RULES}
    return RuleTable(RULES, {(rule, "*"): Thresholds(**values) for rule, values in given.items()})  # type: ignore[arg-type]


def engine(key: str = "kraken:X", rules: RuleTable | None = None) -> AlertEngine:
    return AlertEngine(key, table() if rules is None else rules, SILENCE_MS)


def alerts(
    values: Iterable[bytes], topic: Topic = topics.TICKS, key: str = "kraken:X", rules: RuleTable | None = None
) -> list[Alert]:
    """Alerts of one key from the records of one topic."""
    batch = engine(key, rules).apply_all(topic.name, list(values))
    assert not batch.rejects
    return [msgspec.json.decode(line, type=Alert) for _, line in batch.alerts]


def phases(found: Iterable[Alert], rule: str, symbol: str = "X") -> list[tuple[str, str, int]]:
    """Phase, severity and time (ms after noon) of each alert of a rule on a symbol."""
    own = (alert for alert in found if (alert.rule, alert.symbol) == (rule, symbol))
    return [(alert.phase, alert.severity, alert.event_time - NOON) for alert in own]


def thresholds(**values: float) -> bytes:
    """The value of a record of `alert.rules`."""
    return msgspec.json.encode(asdict(Thresholds(**values)))  # type: ignore[arg-type]

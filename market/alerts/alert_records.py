"""Records of alerts."""

import msgspec

from core.records import Alert
from market.alerts.episode import Change

LONGEST_DECIMAL = 1e16

_encode = msgspec.json.Encoder().encode


def alert_line(rule: str, venue: str, symbol: str, change: Change) -> bytes:
    """The record of one change, as JSON."""
    phase, severity, episode, event_time, value, threshold = change
    message = f"{venue}:{symbol} {rule} {phase}: value {_number(value)}, threshold {_number(threshold)} ({severity})"
    name = f"{rule}|{venue}|{symbol}|{episode}|{phase}"
    return _encode(Alert(name, venue, symbol, rule, severity, phase, episode, event_time, value, threshold, message))


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) < LONGEST_DECIMAL else f"{value:.6g}"

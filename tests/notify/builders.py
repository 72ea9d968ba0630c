"""Alerts with short names for what matters."""

from core.records import Alert

NOON_MS = 1_767_268_800_000


def alert(
    phase: str,
    severity: str = "medium",
    at_ms: int = NOON_MS,
    episode: int = NOON_MS,
    rule: str = "book_stale",
    symbol: str = "BTCUSDT",
) -> Alert:
    name = f"{rule}|binance|{symbol}|{episode}|{phase}"
    text = f"binance:{symbol} {rule} {phase}"
    return Alert(name, "binance", symbol, rule, severity, phase, episode, at_ms, 2.0, 1.0, text)

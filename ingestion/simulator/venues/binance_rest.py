"""Binance's REST side: depth with weights, 429 and bans, exchangeInfo, ping and time (`venues.md` §2.1 and §3.1)."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from ingestion.simulator.answer import Answer
from ingestion.simulator.exchange import Exchange
from ingestion.simulator.limits import Limits, Verdict, WeightBudget
from ingestion.simulator.venues.binance import BinanceListing

INVALID_SYMBOL, MANDATORY, ILLEGAL, TOO_MANY = -1121, -1102, -1100, -1003


@dataclass(frozen=True)
class RestFacts:
    """Paths and weights of one of the two: `weights` by the largest `limit` that each covers."""

    prefix: str
    weights: dict[int, int]
    info_weight: int
    default_limit: int
    exact_limits: bool  # USD-M takes only the limits listed


SPOT = RestFacts("/api/v3", {100: 5, 500: 25, 1000: 50, 5000: 250}, 20, 100, exact_limits=False)
USDM = RestFacts("/fapi/v1", {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}, 1, 500, exact_limits=True)


class BinanceRest:
    """Answers requests of one address: to the loopback, all clients are one."""

    def __init__(self, exchange: Exchange, facts: RestFacts, limits: Limits) -> None:
        self.refusing = 0
        self._exchange = exchange
        self._facts = facts
        self._limits = limits
        self._budget = WeightBudget(limits)

    def restarted(self) -> None:
        """Forget weights and bans."""
        self._budget = WeightBudget(self._limits)

    def answer(self, path: str, query: dict[str, str], now: float) -> Answer:
        """Answer one GET, its weight charged first."""
        name = path.removeprefix(f"{self._facts.prefix}/") if path.startswith(self._facts.prefix) else ""
        if name not in ("depth", "exchangeInfo", "ping", "time"):
            return Answer(404, b"{}")
        limit = query.get("limit", str(self._facts.default_limit))
        verdict = self._budget.charge(self._weight(name, limit), now)
        if verdict.status != 200:
            return self._refusal(verdict)
        given = self._depth(query, limit, now) if name == "depth" else Answer.of(self._fact(name, now))
        return Answer(given.status, given.body, _used(verdict), given.snapshot)

    def _weight(self, name: str, limit: str) -> int:
        if name != "depth":
            return self._facts.info_weight if name == "exchangeInfo" else 1
        covers = list(self._facts.weights)
        asked = int(limit) if limit.isdecimal() else 1
        return self._facts.weights[covers[min(bisect_left(covers, asked), len(covers) - 1)]]

    def _depth(self, query: dict[str, str], limit: str, now: float) -> Answer:
        if self.refusing:
            return Answer.of({"code": -1001, "msg": "Internal error; unable to process your request."}, self.refusing)
        symbol = query.get("symbol", "")
        listing = self._exchange.listings.get(symbol)
        if not symbol:
            return _fault(MANDATORY, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        if not isinstance(listing, BinanceListing):
            return _fault(INVALID_SYMBOL, "Invalid symbol.")
        facts = self._facts
        if not limit.isdecimal() or int(limit) < 1 or (facts.exact_limits and int(limit) not in facts.weights):
            return _fault(ILLEGAL, f"Illegal characters found in parameter 'limit': {limit!r} is not a depth limit.")
        levels = min(int(limit), max(facts.weights))
        return Answer(200, listing.encoder.snapshot(int(now * 1e6), levels), snapshot=True)

    def _fact(self, name: str, now: float) -> dict[str, Any]:
        if name == "ping":
            return {}
        if name == "time":
            return {"serverTime": int(now * 1000)}
        rate = {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": self._limits.weight_per_min,
        }
        symbols = [{"symbol": symbol, "status": "TRADING"} for symbol in self._exchange.listings]
        return {"timezone": "UTC", "serverTime": int(now * 1000), "rateLimits": [rate], "symbols": symbols}

    def _refusal(self, verdict: Verdict) -> Answer:
        most = f"{self._limits.weight_per_min:.0f}"
        said = (
            f"Way too much request weight used; IP banned until {verdict.banned_until_ms}."
            if verdict.status == 418
            else f"Too much request weight used; current limit is {most} request weight per 1 MINUTE."
        )
        told = Answer.of({"code": TOO_MANY, "msg": f"{said} Please use WebSocket Streams for live updates."})
        headers = _used(verdict) | {"Retry-After": str(verdict.retry_after_s)}
        return Answer(verdict.status, told.body, headers)


def _used(verdict: Verdict) -> dict[str, str]:
    return {"X-MBX-USED-WEIGHT-1M": str(verdict.used)}


def _fault(code: int, reason: str) -> Answer:
    return Answer.of({"code": code, "msg": reason}, 400)

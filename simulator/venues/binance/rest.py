"""Binance's REST side: depth with weights, 429 and bans, exchangeInfo, ping and time."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from simulator.exchange import Exchange
from simulator.http_response import HttpResponse
from simulator.limits import Limits, Verdict, WeightBudget
from simulator.venues.binance.session import BinanceSymbol
from venues.binance.constants import SPOT_SNAPSHOT_WEIGHTS, USDM_SNAPSHOT_WEIGHTS

INVALID_SYMBOL, MANDATORY, ILLEGAL, TOO_MANY = -1121, -1102, -1100, -1003


@dataclass(frozen=True)
class RestRules:
    """Paths and weights of one market. `weights` maps the largest `limit` of each class to its weight."""

    prefix: str
    weights: dict[int, int]
    info_weight: int
    default_limit: int
    exact_limits: bool  # USD-M accepts only the limits in `weights`


SPOT = RestRules("/api/v3", SPOT_SNAPSHOT_WEIGHTS, 20, 100, exact_limits=False)
USDM = RestRules("/fapi/v1", USDM_SNAPSHOT_WEIGHTS, 1, 500, exact_limits=True)


class BinanceRest:
    """Serves REST requests. All clients share one address, the loopback, and so one weight budget."""

    def __init__(self, exchange: Exchange, rules: RestRules, limits: Limits) -> None:
        self.refusing = 0
        self._exchange = exchange
        self._rules = rules
        self._limits = limits
        self._budget = WeightBudget(limits)

    def restarted(self) -> None:
        """Reset weights and bans."""
        self._budget = WeightBudget(self._limits)

    def respond(self, path: str, query: dict[str, str], now: float) -> HttpResponse:
        """Response to one GET, whose weight is charged first."""
        name = path.removeprefix(f"{self._rules.prefix}/") if path.startswith(self._rules.prefix) else ""
        if name not in ("depth", "exchangeInfo", "ping", "time"):
            return HttpResponse(404, b"{}")
        limit = query.get("limit", str(self._rules.default_limit))
        verdict = self._budget.charge(self._weight(name, limit), now)
        if verdict.status != 200:
            return self._refusal(verdict)
        response = self._depth(query, limit, now) if name == "depth" else HttpResponse.of(self._info(name, now))
        return HttpResponse(response.status, response.body, _used(verdict), response.snapshot)

    def _weight(self, name: str, limit: str) -> int:
        if name != "depth":
            return self._rules.info_weight if name == "exchangeInfo" else 1
        classes = list(self._rules.weights)
        requested = int(limit) if limit.isdecimal() else 1
        return self._rules.weights[classes[min(bisect_left(classes, requested), len(classes) - 1)]]

    def _depth(self, query: dict[str, str], limit: str, now: float) -> HttpResponse:
        if self.refusing:
            return HttpResponse.of(
                {"code": -1001, "msg": "Internal error; unable to process your request."}, self.refusing
            )
        symbol = query.get("symbol", "")
        listed = self._exchange.listed.get(symbol)
        if not symbol:
            return _bad_request(MANDATORY, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        if not isinstance(listed, BinanceSymbol):
            return _bad_request(INVALID_SYMBOL, "Invalid symbol.")
        rules = self._rules
        if not limit.isdecimal() or int(limit) < 1 or (rules.exact_limits and int(limit) not in rules.weights):
            return _bad_request(
                ILLEGAL, f"Illegal characters found in parameter 'limit': {limit!r} is not a depth limit."
            )
        levels = min(int(limit), max(rules.weights))
        return HttpResponse(200, listed.encoder.snapshot(int(now * 1e6), levels), snapshot=True)

    def _info(self, name: str, now: float) -> dict[str, Any]:
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
        symbols = [{"symbol": symbol, "status": "TRADING"} for symbol in self._exchange.listed]
        return {"timezone": "UTC", "serverTime": int(now * 1000), "rateLimits": [rate], "symbols": symbols}

    def _refusal(self, verdict: Verdict) -> HttpResponse:
        budget = f"{self._limits.weight_per_min:.0f}"
        reason = (
            f"Way too much request weight used; IP banned until {verdict.banned_until_ms}."
            if verdict.status == 418
            else f"Too much request weight used; current limit is {budget} request weight per 1 MINUTE."
        )
        response = HttpResponse.of(
            {"code": TOO_MANY, "msg": f"{reason} Please use WebSocket Streams for live updates."}
        )
        headers = _used(verdict) | {"Retry-After": str(verdict.retry_after_s)}
        return HttpResponse(verdict.status, response.body, headers)


def _used(verdict: Verdict) -> dict[str, str]:
    return {"X-MBX-USED-WEIGHT-1M": str(verdict.used)}


def _bad_request(code: int, reason: str) -> HttpResponse:
    return HttpResponse.of({"code": code, "msg": reason}, 400)

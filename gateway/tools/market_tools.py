"""Tools for language models. Each calls the gateway and returns the relevant fields of a book, chain or alert.

Every answer on a book or chain has `trusted` and `age_ms`. A book that is not trusted is out of sync with its exchange.
"""

from typing import Any

from gateway.tools.client import ApiClient

Answer = dict[str, Any]
MAX_LEVELS = 20
NO_LEVELS = "the levels are unknown: Redis has no record of the book, and the database keeps the best ones alone"


class MarketTools:
    """The tools. Their docstrings are shown to the model. Raises `gateway.tools.client.ApiError`."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def products(self) -> Answer:
        """List the books (venue and symbol) and the underlyings with option chains."""
        return self._api.get("data", "products")

    def book(self, venue: str, symbol: str) -> Answer:
        """Newest order book: best levels of both sides and metrics (mid, spread, imbalance, depth, order flow)."""
        return self._api.get("books", venue, symbol)

    def spread(self, venue: str, symbol: str) -> Answer:
        """Best bid and ask, mid, microprice and spread, in the quote currency and in basis points."""
        names = ("best_bid", "best_bid_size", "best_ask", "best_ask_size", "mid", "microprice", "spread", "spread_bps")
        book, freshness = self._newest(venue, symbol)
        return {name: book.get(name) for name in names} | freshness

    def depth(self, venue: str, symbol: str, levels: int = 10) -> Answer:
        """Cumulative size and value of the best levels of a book, at most 20, and the price at which each ends."""
        found = self._api.get("books", venue, symbol)
        if found["freshness"]["source"] == "database":
            return {"bids": None, "asks": None} | _trust(found) | {"trusted": False, "reason": NO_LEVELS}
        count = max(1, min(levels, MAX_LEVELS))
        return {side: _cumulated(found["book"][side], count) for side in ("bids", "asks")} | _trust(found)

    def chain(self, product: str, expiry: str | None = None) -> Answer:
        """Option chain of an underlying such as BTC: a summary of every expiry, or calls and puts of one (YYYY-MM-DD).

        Summaries have forward, put-call ratios, max pain, walls, straddle, implied move and volatilities.
        """
        found = self._api.get("data", "chain", product, expiry=expiry)
        chains = found["chains"]
        if expiry is None:
            chains = [each["summary"] | {name: each[name] for name in ("expiry", "spot_price")} for each in chains]
        return {"product": found["product"], "chains": chains} | _trust(found)

    def alerts(self, rule: str | None = None, severity: str | None = None, limit: int = 20) -> Answer:
        """Newest alerts of the last day, of one rule or severity (high, medium, info) if given."""
        found = self._api.get("alerts", rule=rule, severity=severity, limit=max(1, min(limit, 100)))
        return {"alerts": found["alerts"]}

    def status(self) -> Answer:
        """State of every book and chain: trusted or not, why, since when."""
        return self._api.get("status")

    def _newest(self, venue: str, symbol: str) -> tuple[Answer, Answer]:
        found = self._api.get("books", venue, symbol)
        return found["book"], _trust(found)


def _trust(found: Answer) -> Answer:
    return {name: found["freshness"].get(name) for name in ("trusted", "state", "reason", "age_ms")}


def _cumulated(levels: list[list[float]], count: int) -> list[Answer]:
    """Levels with the size and the value (price times size) of all levels up to each."""
    rows, size, value = [], 0.0, 0.0
    for price, each in levels[:count]:
        size, value = size + each, value + price * each
        rows.append({"price": price, "size": each, "total_size": size, "total_value": value})
    return rows

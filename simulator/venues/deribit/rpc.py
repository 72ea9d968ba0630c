"""Deribit's JSON-RPC methods, the same over WebSocket and REST."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import msgspec

from simulator.exchange import Exchange, UnknownSymbolError
from simulator.http_response import HttpResponse
from simulator.limits import Limits, Window
from simulator.venues.deribit.option_frames import summary

METHOD_NOT_FOUND, INVALID_PARAMS, TOO_MANY_REQUESTS, UNAVAILABLE = -32601, -32602, 10028, 11051
REST_PREFIX = "/api/v2/"


class RpcError(Exception):
    """An error reply: `code`, `message` and optional `data`, as Deribit sends them."""

    def __init__(self, code: int, message: str, data: dict[str, str] | None = None) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.data = data


Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = Callable[[], Iterable[Row]]


class Methods:
    """Methods that only read. `instruments`, `tickers` and `indices` return the current rows."""

    def __init__(self, exchange: Exchange, limits: Limits, *, instruments: Rows, tickers: Rows, indices: Rows) -> None:
        self.refusing = 0
        self._exchange = exchange
        self._instrument_rows = instruments
        self._tickers = tickers
        self._indices = indices
        self._limits = limits
        self._instrument_calls = Window(limits.snapshots_per_s, 1.0)
        self._methods: dict[str, Callable[[dict[str, Any], float], Any]] = {
            "public/test": lambda params, now: {"version": "1.2.26"},
            "public/hello": lambda params, now: {"version": "1.2.26"},
            "public/get_time": lambda params, now: int(now * 1000),
            "public/get_instruments": self._instruments,
            "public/get_order_book": self._order_book,
            "public/get_book_summary_by_currency": self._summaries,
            "public/get_index_price": self._index_price,
            "public/ticker": lambda params, now: self._find(self._tickers(), "instrument_name", params),
        }

    def restarted(self) -> None:
        """Reset the limits that clients have used up."""
        self._instrument_calls = Window(self._limits.snapshots_per_s, 1.0)

    def call(self, method: str, params: dict[str, Any], now: float) -> Any:
        """The method's result. Raises RpcError."""
        if method not in self._methods:
            raise RpcError(METHOD_NOT_FOUND, "Method not found")
        return self._methods[method](params, now)

    def respond(self, path: str, query: dict[str, str], now: float) -> HttpResponse:
        """Response to a method called by REST: GET /api/v2/public/…"""
        method = path.removeprefix(REST_PREFIX) if path.startswith(REST_PREFIX) else ""
        if not method.startswith("public/"):
            return HttpResponse(404, b"{}")
        try:
            if self.refusing:
                raise RpcError(UNAVAILABLE, "system_maintenance")
            return HttpResponse(200, encode_reply(None, self.call(method, query, now), now))
        except RpcError as error:
            status = self.refusing or (429 if error.code == TOO_MANY_REQUESTS else 400)
            return HttpResponse(status, encode_reply(None, error, now))

    def _instruments(self, params: dict[str, Any], now: float) -> list[Row]:
        if not self._instrument_calls.admit(now):
            raise RpcError(TOO_MANY_REQUESTS, "too_many_requests")
        currency, kind = params.get("currency"), params.get("kind")
        return [
            row
            for row in self._instrument_rows()
            if currency in ("any", row["base_currency"]) and kind in (None, "any", row["kind"])
        ]

    def _summaries(self, params: dict[str, Any], now: float) -> list[Row]:
        """Rows of options only: the simulated perpetuals have no ticker."""
        if params.get("kind", "option") != "option":
            return []
        rows = (summary(ticker) for ticker in self._tickers())
        return [row for row in rows if row["base_currency"] == params.get("currency")]

    def _index_price(self, params: dict[str, Any], now: float) -> Row:
        price = self._find(self._indices(), "index_name", params)["price"]
        return {"index_price": price, "estimated_delivery_price": price}

    def _find(self, rows: Iterable[Row], field: str, params: dict[str, Any]) -> Row:
        for row in rows:
            if row[field] == params.get(field):
                return row
        raise RpcError(INVALID_PARAMS, "Invalid params", {"param": field, "reason": "unknown name"})

    def _order_book(self, params: dict[str, Any], now: float) -> Row:
        name = str(params.get("instrument_name"))
        depth = str(params.get("depth", 5))
        if not depth.isdecimal() or not int(depth):
            raise RpcError(INVALID_PARAMS, "Invalid params", {"param": "depth", "reason": "must be a number above 0"})
        try:
            book = self._exchange.reference_book(name, int(depth))
        except UnknownSymbolError as error:
            data = {"param": "instrument_name", "reason": str(error)}
            raise RpcError(INVALID_PARAMS, "Invalid params", data) from error
        return {
            "instrument_name": name,
            "timestamp": book.time_us // 1000,
            "change_id": book.update_id,
            "bids": book.bids,
            "asks": book.asks,
        }


def encode_reply(request: Any, result: Any, now: float) -> bytes:
    """The reply to one request: a result or an RpcError."""
    now_us = int(now * 1e6)
    fields: dict[str, Any] = {"jsonrpc": "2.0"} | ({} if request is None else {"id": request})
    if isinstance(result, RpcError):
        error: dict[str, Any] = {"message": result.message, "code": result.code}
        fields["error"] = error | ({"data": result.data} if result.data else {})
    else:
        fields["result"] = result
    return msgspec.json.encode(fields | {"usIn": now_us, "usOut": now_us, "usDiff": 0, "testnet": False})

"""A chain's quotes as Deribit says them: tickers, instrument rows, book summary rows (`venues.md` §5.4)."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec
import numpy as np

from ingestion.generator.chain import Quotes, Slice
from ingestion.generator.underlyings import Underlying

Row: TypeAlias = dict[str, Any]
SIDES = ("C", "P")
DIGITS = 10  # rubs out what binary fractions leave behind a tick


def names(underlying: Underlying, part: Slice) -> Iterator[tuple[str, int, int]]:
    """Each option of a slice with its place in the columns: side (0 calls, 1 puts) and strike."""
    for side, letter in enumerate(SIDES):
        for place, strike in enumerate(part.strikes.tolist()):
            yield f"{underlying.name}-{part.expiry.label}-{strike:.0f}-{letter}", side, place


def instruments(underlying: Underlying, part: Slice) -> Iterator[Row]:
    """Rows of `get_instruments`."""
    paid_in = underlying.quote if underlying.linear else underlying.name
    for name, side, place in names(underlying, part):
        yield {
            "instrument_name": name,
            "kind": "option",
            "instrument_type": "linear" if underlying.linear else "reversed",
            "option_type": ("call", "put")[side],
            "strike": float(part.strikes[place]),
            "expiration_timestamp": part.expiry.time,
            "creation_timestamp": part.expiry.time - 90 * 86_400_000,
            "settlement_period": "week",
            "base_currency": underlying.name,
            "quote_currency": paid_in,
            "counter_currency": underlying.quote,
            "settlement_currency": paid_in,
            "price_index": underlying.index_name,
            "tick_size": underlying.ticks[-1][1],
            "min_trade_amount": underlying.lot,
            "contract_size": underlying.lot if underlying.linear else 1.0,
            "state": "open",
            "is_active": True,
        }


def tickers(underlying: Underlying, quotes: Quotes) -> Iterator[tuple[str, Row]]:
    """Names and `ticker` data of every option of the slice."""
    part, greeks = quotes.slice, quotes.greeks
    columns = [
        np.round(column, digits).tolist()
        for column, digits in (
            (quotes.bid, DIGITS), (quotes.ask, DIGITS), (quotes.bid_size, 1), (quotes.ask_size, 1),
            (quotes.mark, DIGITS), (quotes.iv, 2), (quotes.bid_iv, 2), (quotes.ask_iv, 2),
            (part.open_interest, 1), (part.volume, 1), (part.last, DIGITS),
            (greeks.delta, 5), (greeks.gamma, 5), (greeks.vega, 5), (greeks.theta, 5), (greeks.rho, 5),
        )
    ]  # fmt: skip
    common = {
        "timestamp": quotes.time,
        "state": "open",
        "underlying_price": quotes.underlying,
        "underlying_index": underlying_index(underlying, part),
        "index_price": quotes.index_price,
        "estimated_delivery_price": quotes.index_price,
        "interest_rate": underlying.rate,
        "settlement_price": 0.0,
    }
    for name, side, place in names(underlying, part):
        bid, ask, bid_size, ask_size, mark, iv, bid_iv, ask_iv, held, volume, last, delta, gamma, vega, theta, rho = (
            column[side][place] for column in columns
        )
        yield (
            name,
            {
                **common,
                "instrument_name": name,
                "mark_price": mark,
                "mark_iv": iv,
                "best_bid_price": bid,
                "best_bid_amount": bid_size,
                "bid_iv": bid_iv,
                "best_ask_price": ask,
                "best_ask_amount": ask_size,
                "ask_iv": ask_iv,
                "last_price": last or None,
                "open_interest": held,
                "stats": {"volume": volume or None, "price_change": None, "low": last or None, "high": last or None},
                "greeks": {"delta": delta, "gamma": gamma, "vega": vega, "theta": theta, "rho": rho},
            },
        )


def summary(ticker: Row) -> Row:
    """The row of `get_book_summary_by_currency` for a ticker: no bid is null there, and Greeks are left out."""
    same = ("instrument_name", "mark_price", "mark_iv", "open_interest", "interest_rate")
    named = ("underlying_price", "underlying_index", "estimated_delivery_price")
    return {field: ticker[field] for field in same + named} | {
        "bid_price": ticker["best_bid_price"] or None,
        "ask_price": ticker["best_ask_price"] or None,
        "last": ticker["last_price"],
        "volume": ticker["stats"]["volume"] or 0.0,
        "base_currency": ticker["instrument_name"].partition("-")[0],
        "creation_timestamp": ticker["timestamp"],
    }


def underlying_index(underlying: Underlying, part: Slice) -> str:
    """Name of what `underlying_price` is the price of."""
    future = f"{underlying.name}-{part.expiry.label}"
    return {"future": future, "synthetic": f"SYN.{future}", "index_price": "index_price"}[part.expiry.kind]


def notification(channel: str, data: Any) -> bytes:
    """A subscription's message."""
    return msgspec.json.encode(
        {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": channel, "data": data}}
    )

"""A chain's quotes in Deribit's formats: tickers, instrument rows, book summary rows."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec
import numpy as np

from simulator.generator.chain import Quotes, Slice
from simulator.generator.underlyings import Underlying

Row: TypeAlias = dict[str, Any]
OPTION_TYPES = ("C", "P")
PRICE_DIGITS = 10  # decimals of a price: removes the binary rest after a tick


def option_names(underlying: Underlying, expiry_slice: Slice) -> Iterator[tuple[str, int, int]]:
    """Name of each option of an expiry with its indices into the columns: side (0 calls, 1 puts) and strike."""
    for side, letter in enumerate(OPTION_TYPES):
        for index, strike in enumerate(expiry_slice.strikes.tolist()):
            yield f"{underlying.name}-{expiry_slice.expiry.label}-{strike:.0f}-{letter}", side, index


def instruments(underlying: Underlying, expiry_slice: Slice) -> Iterator[Row]:
    """Rows of `get_instruments`."""
    settlement = underlying.quote if underlying.linear else underlying.name
    for name, side, index in option_names(underlying, expiry_slice):
        yield {
            "instrument_name": name,
            "kind": "option",
            "instrument_type": "linear" if underlying.linear else "reversed",
            "option_type": ("call", "put")[side],
            "strike": float(expiry_slice.strikes[index]),
            "expiration_timestamp": expiry_slice.expiry.time,
            "creation_timestamp": expiry_slice.expiry.time - 90 * 86_400_000,
            "settlement_period": "week",
            "base_currency": underlying.name,
            "quote_currency": settlement,
            "counter_currency": underlying.quote,
            "settlement_currency": settlement,
            "price_index": underlying.index_name,
            "tick_size": underlying.ticks[-1][1],
            "min_trade_amount": underlying.lot,
            "contract_size": underlying.lot if underlying.linear else 1.0,
            "state": "open",
            "is_active": True,
        }


def tickers(underlying: Underlying, quotes: Quotes) -> Iterator[tuple[str, Row]]:
    """Name and `ticker` data of every option of the quoted expiry."""
    expiry_slice, greeks = quotes.slice, quotes.greeks
    columns = [
        np.round(column, digits).tolist()
        for column, digits in (
            (quotes.bid, PRICE_DIGITS), (quotes.ask, PRICE_DIGITS), (quotes.bid_size, 1), (quotes.ask_size, 1),
            (quotes.mark, PRICE_DIGITS), (quotes.iv, 2), (quotes.bid_iv, 2), (quotes.ask_iv, 2),
            (expiry_slice.open_interest, 1), (expiry_slice.volume, 1), (expiry_slice.last, PRICE_DIGITS),
            (greeks.delta, 5), (greeks.gamma, 5), (greeks.vega, 5), (greeks.theta, 5), (greeks.rho, 5),
        )
    ]  # fmt: skip
    common = {
        "timestamp": quotes.time,
        "state": "open",
        "underlying_price": quotes.underlying,
        "underlying_index": underlying_index(underlying, expiry_slice),
        "index_price": quotes.index_price,
        "estimated_delivery_price": quotes.index_price,
        "interest_rate": underlying.rate,
        "settlement_price": 0.0,
    }
    for name, side, index in option_names(underlying, expiry_slice):
        (
            bid,
            ask,
            bid_size,
            ask_size,
            mark,
            iv,
            bid_iv,
            ask_iv,
            open_interest,
            volume,
            last,
            delta,
            gamma,
            vega,
            theta,
            rho,
        ) = (column[side][index] for column in columns)
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
                "open_interest": open_interest,
                "stats": {"volume": volume or None, "price_change": None, "low": last or None, "high": last or None},
                "greeks": {"delta": delta, "gamma": gamma, "vega": vega, "theta": theta, "rho": rho},
            },
        )


def summary(ticker: Row) -> Row:
    """The row of `get_book_summary_by_currency` for a ticker: a missing bid is null there, and Greeks are left out."""
    common = ("instrument_name", "mark_price", "mark_iv", "open_interest", "interest_rate")
    underlying = ("underlying_price", "underlying_index", "estimated_delivery_price")
    return {field: ticker[field] for field in common + underlying} | {
        "bid_price": ticker["best_bid_price"] or None,
        "ask_price": ticker["best_ask_price"] or None,
        "last": ticker["last_price"],
        "volume": ticker["stats"]["volume"] or 0.0,
        "base_currency": ticker["instrument_name"].partition("-")[0],
        "creation_timestamp": ticker["timestamp"],
    }


def underlying_index(underlying: Underlying, expiry_slice: Slice) -> str:
    """Name of the instrument or index whose price is `underlying_price`."""
    future = f"{underlying.name}-{expiry_slice.expiry.label}"
    return {"future": future, "synthetic": f"SYN.{future}", "index_price": "index_price"}[expiry_slice.expiry.kind]


def notification(channel: str, data: Any) -> bytes:
    """A notification of a subscribed channel."""
    return msgspec.json.encode(
        {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": channel, "data": data}}
    )

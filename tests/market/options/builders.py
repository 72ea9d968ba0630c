"""Builders of small chains, whose mark prices follow from Black-76, and of raw records."""

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

import numpy as np
from msgspec import Raw
from msgspec import json as msgspec_json

from core.records import Envelope
from market.options.black76 import price
from market.options.chain import Chain
from market.options.events import NAN, Instrument, OptionQuote, Quote
from market.options.forwards import MS_PER_YEAR
from market.options.priced_chain import PricedChain, price_chain
from venues.deribit import OPTION_FEED

NOW = int(datetime(2026, 11, 20, 12, tzinfo=timezone.utc).timestamp() * 1000)
IN_A_WEEK = "27NOV26"
IN_TWO_WEEKS = "4DEC26"
EXPIRY = int(datetime(2026, 11, 27, 8, tzinfo=timezone.utc).timestamp() * 1000)
ONE_MINUTE_LATER = NOW + int(timedelta(minutes=1) / timedelta(milliseconds=1))
CALL, PUT = "BTC-27NOV26-70000-C", "BTC-27NOV26-70000-P"
NO_QUOTE = Quote(*[NAN] * len(Quote._fields))


def quote(name: str, time: int = NOW, **fields: float) -> OptionQuote:
    """Quote with the given fields; all others are NaN."""
    return OptionQuote(name, time, NO_QUOTE._replace(**fields))


def black_price(forward: float, strike: float, years: float, vol: float, is_call: bool) -> float:
    return float(price(*(np.array([v]) for v in (forward, strike, years, vol, is_call)))[0])


def interest_chain(open_interest: Mapping[float, tuple[float, float]], day: str = IN_A_WEEK) -> Chain:
    """BTC chain of one expiry from strike: (call OI, put OI), without prices."""
    chain = Chain("BTC", OPTION_FEED)
    for strike, call_and_put in open_interest.items():
        for kind, amount in zip("CP", call_and_put, strict=True):
            chain.apply(quote(f"BTC-{day}-{strike:.0f}-{kind}", open_interest=amount))
    return chain


def smile_chain(
    forward: float, strikes: list[float], vol: float = 0.5, skew: float = 0.0, day: str = IN_A_WEEK, **fields: float
) -> Chain:
    """Inverse BTC chain with volatility vol + skew * ln(K/F): mark prices, and the same mark volatilities."""
    chain = Chain("BTC", OPTION_FEED)
    add_smile(chain, forward, strikes, vol, skew, day, **fields)
    return chain


def add_smile(
    chain: Chain, forward: float, strikes: list[float], vol: float, skew: float, day: str, **fields: float
) -> None:
    for strike in strikes:
        for kind in "CP":
            name = f"BTC-{day}-{strike:.0f}-{kind}"
            years = (expiry_of(chain, name) - NOW) / MS_PER_YEAR
            option_vol = vol + skew * math.log(strike / forward)
            mark = black_price(forward, strike, years, option_vol, kind == "C") / forward
            values = {
                "mark": mark,
                "mark_iv": option_vol,
                "underlying": forward,
                "is_forward": 1.0,
                "open_interest": 1.0,
            }
            chain.apply(quote(name, **(values | fields)))


def expiry_of(chain: Chain, name: str) -> int:
    scratch = Chain(chain.underlying, OPTION_FEED)
    scratch.apply(quote(name))
    return scratch.view(0).layout.instruments[0].expiry


def nifty_chain(spot: float, rate: float, strikes: list[float], vol: float, quoted: bool = False) -> Chain:
    """Chain of an equity index: linear, the spot as underlying, an interest rate, and an expiry at 10:00 UTC."""
    chain = Chain("NIFTY", OPTION_FEED)
    expiry = EXPIRY + 2 * 3_600_000  # 10:00 UTC, the close in Mumbai
    years = (expiry - NOW) / MS_PER_YEAR
    forward = spot * math.exp(rate * years)
    for strike in strikes:
        for kind in "CP":
            name = f"NIFTY-{IN_A_WEEK}-{strike:.0f}-{kind}"
            chain.apply(Instrument(name, "NIFTY", expiry, strike, kind == "C", linear=True))
            mark = black_price(forward, strike, years, vol, kind == "C") * math.exp(-rate * years)
            values = {"mark": mark, "underlying": spot, "is_forward": 0.0, "rate": rate, "open_interest": 75.0}
            values |= {"bid": mark - 0.5, "ask": mark + 0.5} if quoted else {}
            chain.apply(quote(name, **values))
    return chain


def priced_view(chain: Chain, time: int = NOW) -> PricedChain:
    return price_chain(chain.view(time))


def ticker(name: str = CALL, time: int = NOW, **fields: object) -> bytes:
    """Raw record with the ticker of one option; the published forward is 70,000."""
    data = {"instrument_name": name, "timestamp": time, "mark_price": 0.05, "mark_iv": 50.0, "open_interest": 3.0}
    data |= {"underlying_price": 70000.0, "underlying_index": "BTC-27NOV26"} | fields
    return raw_record({"params": {"channel": f"ticker.{name}.100ms", "data": data}}, time)


def raw_record(frame: object, time: int = NOW, venue: str = "deribit") -> bytes:
    """Raw record with any frame."""
    raw = Raw(json.dumps(frame).encode())
    return msgspec_json.encode(Envelope(venue, "ticker.100ms", CALL, "c1", 0, time * 1000, frame=raw))

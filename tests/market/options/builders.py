"""Chains in a line or two: quotes whose marks follow from Black-76."""

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

import numpy as np
from msgspec import Raw
from msgspec import json as msgspec_json

from market.options.black import price
from market.options.chain import Chain
from market.options.forward import MS_PER_YEAR
from market.options.instrument import Instrument
from market.options.model import Model, price_chain
from market.options.wire import NAN, OptionQuote, Quote
from market.records import Envelope

NOW = int(datetime(2026, 11, 20, 12, tzinfo=timezone.utc).timestamp() * 1000)
IN_A_WEEK = "27NOV26"
IN_TWO_WEEKS = "4DEC26"
EXPIRY = int(datetime(2026, 11, 27, 8, tzinfo=timezone.utc).timestamp() * 1000)
ONE_MINUTE_LATER = NOW + int(timedelta(minutes=1) / timedelta(milliseconds=1))
CALL, PUT = "BTC-27NOV26-70000-C", "BTC-27NOV26-70000-P"
NO_QUOTE = Quote(*[NAN] * len(Quote._fields))


def quote(name: str, time: int = NOW, **fields: float) -> OptionQuote:
    """A quote that says nothing but the given fields."""
    return OptionQuote(name, time, NO_QUOTE._replace(**fields))


def black(forward: float, strike: float, years: float, vol: float, is_call: bool) -> float:
    return float(price(*(np.array([v]) for v in (forward, strike, years, vol, is_call)))[0])


def interest_chain(holdings: Mapping[float, tuple[float, float]], day: str = IN_A_WEEK) -> Chain:
    """A BTC chain of one expiry from strike: (call OI, put OI), with no prices."""
    chain = Chain("BTC")
    for strike, held in holdings.items():
        for kind, open_interest in zip("CP", held, strict=True):
            chain.apply(quote(f"BTC-{day}-{strike:.0f}-{kind}", open_interest=open_interest))
    return chain


def smile_chain(
    forward: float, strikes: list[float], vol: float = 0.5, skew: float = 0.0, day: str = IN_A_WEEK, **fields: float
) -> Chain:
    """An inverse BTC chain whose marks come of vol + skew * ln(K/F), with the venue's volatility beside them."""
    chain = Chain("BTC")
    add_smile(chain, forward, strikes, vol, skew, day, **fields)
    return chain


def add_smile(
    chain: Chain, forward: float, strikes: list[float], vol: float, skew: float, day: str, **fields: float
) -> None:
    for strike in strikes:
        for kind in "CP":
            name = f"BTC-{day}-{strike:.0f}-{kind}"
            years = (expiry_of(chain, name) - NOW) / MS_PER_YEAR
            each = vol + skew * math.log(strike / forward)
            mark = black(forward, strike, years, each, kind == "C") / forward
            said = {"mark": mark, "mark_iv": each, "underlying": forward, "is_forward": 1.0, "open_interest": 1.0}
            chain.apply(quote(name, **(said | fields)))


def expiry_of(chain: Chain, name: str) -> int:
    scratch = Chain(chain.underlying)
    scratch.apply(quote(name))
    return scratch.view(0).layout.instruments[0].expiry


def nifty_chain(spot: float, rate: float, strikes: list[float], vol: float, quoted: bool = False) -> Chain:
    """An equity index in Deribit's protocol: linear, spot as underlying, a rate, and an expiry of its own."""
    chain = Chain("NIFTY")
    expiry = EXPIRY + 2 * 3_600_000  # 10:00 UTC, the close in Mumbai
    years = (expiry - NOW) / MS_PER_YEAR
    forward = spot * math.exp(rate * years)
    for strike in strikes:
        for kind in "CP":
            name = f"NIFTY-{IN_A_WEEK}-{strike:.0f}-{kind}"
            chain.apply(Instrument(name, "NIFTY", expiry, strike, kind == "C", linear=True))
            mark = black(forward, strike, years, vol, kind == "C") * math.exp(-rate * years)
            said = {"mark": mark, "underlying": spot, "is_forward": 0.0, "rate": rate, "open_interest": 75.0}
            said |= {"bid": mark - 0.5, "ask": mark + 0.5} if quoted else {}
            chain.apply(quote(name, **said))
    return chain


def model_of(chain: Chain, time: int = NOW) -> Model:
    return price_chain(chain.view(time))


def ticker(name: str = CALL, time: int = NOW, **fields: object) -> bytes:
    """A raw record: the ticker of one option, with a published forward of 70,000."""
    data = {"instrument_name": name, "timestamp": time, "mark_price": 0.05, "mark_iv": 50.0, "open_interest": 3.0}
    data |= {"underlying_price": 70000.0, "underlying_index": "BTC-27NOV26"} | fields
    return wrapped({"params": {"channel": f"ticker.{name}.100ms", "data": data}}, time)


def wrapped(frame: object, time: int = NOW, venue: str = "deribit") -> bytes:
    """A raw record of any frame."""
    raw = Raw(json.dumps(frame).encode())
    return msgspec_json.encode(Envelope(venue, "ticker.100ms", CALL, "c1", 0, time * 1000, frame=raw))

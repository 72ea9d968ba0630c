"""Input of the options bench: random options, a recorded or generated chain, and its tickers."""

from collections.abc import Iterator
from math import isnan, log
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from core.records import Envelope
from market.options.black76 import Bools, Floats, price
from market.options.events import NAN, OptionQuote, Quote
from market.options.forwards import MS_PER_YEAR
from market.options.implied_vol import implied_vol
from venues.deribit.instruments import parse_name
from venues.deribit.option_messages import parse

SUMMARY = "deribit/deribit-smile-stuff_book_summary_btc_option_20260428.json"
NOW = 1_777_404_145_016  # time of the recorded summary
FORWARD = 76_000.0
DAYS = "29APR26 30APR26 1MAY26 2MAY26 8MAY26 15MAY26 29MAY26 26JUN26 31JUL26 25SEP26 25DEC26 26MAR27".split()
PER_SECOND = 4_000  # tickers of a chain per second of event time
STRIKES = range(40_000, 116_000, 2_000)


class OptionColumns(NamedTuple):
    """Columns of random options with their undiscounted prices, shape (n,)."""

    price: Floats
    forward: Floats
    strike: Floats
    years: Floats
    is_call: Bools
    vol: Floats


def random_options(n: int, seed: int = 1) -> OptionColumns:
    """Options of a minute to two years, 5 to 300 % volatility, up to eight deviations from the forward.

    Every one has an implied volatility.
    """
    rng = np.random.default_rng(seed)
    count = 2 * n
    forward = np.exp(rng.uniform(0, np.log(1e5), count))
    years, vol = np.exp(rng.uniform(np.log(2e-6), np.log(2), count)), rng.uniform(0.05, 3, count)
    strike = forward * np.exp(rng.uniform(-8, 8, count) * vol * np.sqrt(years))
    is_call = rng.random(count) < 0.5
    prices = price(forward, strike, years, vol, is_call)
    solved = np.flatnonzero(~np.isnan(implied_vol(prices, forward, strike, years, is_call).vol))[:n]
    return OptionColumns(
        prices[solved], forward[solved], strike[solved], years[solved], np.asarray(is_call[solved]), vol[solved]
    )


def recorded_quotes(frames: Path) -> list[OptionQuote]:
    """Quotes of the recorded chain of 908 options; empty without the recording."""
    path = frames / SUMMARY
    events = parse(path.read_bytes()) if path.exists() else ()
    return [event for event in events if isinstance(event, OptionQuote)]


def generated_quotes() -> Iterator[OptionQuote]:
    """Quotes of twelve expiries with 38 strikes, calls and puts, on a skewed smile."""
    for name in (f"BTC-{day}-{strike}-{kind}" for day in DAYS for strike in STRIKES for kind in "CP"):
        option = parse_name(name)
        assert option is not None
        years, k = (option.expiry - NOW) / MS_PER_YEAR, log(option.strike / FORWARD)
        vol = 0.45 - 0.1 * k + 0.2 * k * k
        forward, strike, time, option_vol = (np.array([value]) for value in (FORWARD, option.strike, years, vol))
        mark = float(price(forward, strike, time, option_vol, np.array([option.is_call]))[0]) / FORWARD
        open_interest = 10.0 + option.strike % 7
        yield OptionQuote(
            name, NOW, Quote(mark * 0.97, NAN, mark * 1.03, NAN, mark, vol, open_interest, 5, FORWARD, 1, FORWARD, 0)
        )


def ticker_envelopes(quotes: list[OptionQuote], count: int) -> Iterator[bytes]:
    """Records of `count` tickers as the forwarder writes them: the quotes repeated, PER_SECOND in event time."""
    for number in range(count):
        name, _, quote = quotes[number % len(quotes)]
        time = NOW + number * 1000 // PER_SECOND
        data = {
            "timestamp": time,
            "instrument_name": name,
            "best_bid_price": _nullable(quote.bid),
            "best_ask_price": _nullable(quote.ask),
            "mark_price": quote.mark,
            "mark_iv": quote.mark_iv * 100,
            "open_interest": quote.open_interest,
            "stats": {"volume": _nullable(quote.volume)},
            "underlying_price": quote.underlying,
            "underlying_index": "BTC-26JUN26" if quote.is_forward else "index_price",
            "index_price": quote.index_price,
            "interest_rate": 0.0,
        }
        frame = msgspec.json.encode({"params": {"channel": f"ticker.{name}.100ms", "data": data}})
        yield msgspec.json.encode(
            Envelope("deribit", "ticker.100ms", name, "c", number, time * 1000, frame=msgspec.Raw(frame))
        )


def _nullable(value: float) -> float | None:
    return None if isnan(value) else value

"""The model of option chains: its published numbers can be reproduced from each other."""

from datetime import datetime, timezone
from itertools import islice

import msgspec
import numpy as np
import pytest

from market.options.black76 import greeks
from market.options.chain import Chain
from market.options.priced_chain import PricedChain, price_chain
from simulator.generator.chain import MS_PER_YEAR, ChainModel, ChainShape
from simulator.generator.underlyings import UNDERLYINGS, upcoming
from simulator.venues.deribit.option_frames import Row, instruments, notification, option_names, summary, tickers
from venues.deribit import OPTION_FEED
from venues.deribit.instruments import parse_name
from venues.deribit.option_messages import parse

FRIDAY_NOON = int(datetime(2026, 11, 20, 12, tzinfo=timezone.utc).timestamp() * 1000)
EVERY = pytest.mark.parametrize("name", UNDERLYINGS)


def model(name: str, expiries: int = 5) -> ChainModel:
    return ChainModel(UNDERLYINGS[name], ChainShape(expiries=expiries, strikes=21), 1, FRIDAY_NOON)


def quoted(chain_model: ChainModel) -> list[tuple[str, Row]]:
    rows = [
        tickers(chain_model.underlying, chain_model.step(FRIDAY_NOON + 100 * turn))
        for turn in range(len(chain_model.slices))
    ]
    return [row for each in rows for row in each]


def priced(chain_model: ChainModel) -> PricedChain:
    """The chain as the domain prices it from the model's frames."""
    chain = Chain(chain_model.underlying.name, OPTION_FEED)
    rows = [row for part in chain_model.slices for row in instruments(chain_model.underlying, part)]
    frames = [notification(f"ticker.{name}.100ms", row) for name, row in quoted(chain_model)]
    for frame in [msgspec.json.encode({"result": rows}), *frames]:
        for event in parse(frame):
            assert not isinstance(event, Exception)
            chain.apply(event)
    return price_chain(chain.view(chain_model.time))


def test_expiries_equal_those_that_the_venue_lists() -> None:
    bitcoin = list(islice(upcoming(UNDERLYINGS["BTC"], FRIDAY_NOON), 8))
    assert [expiry.label for expiry in bitcoin] == [
        "21NOV26", "22NOV26", "27NOV26", "4DEC26", "11DEC26", "25DEC26", "29JAN27", "26MAR27",
    ]  # fmt: skip
    kinds = [expiry.kind for expiry in bitcoin[:4]]
    assert kinds == ["index_price", "index_price", "future", "synthetic"]
    assert all(expiry.time % 86_400_000 == 8 * 3_600_000 for expiry in bitcoin)


def test_an_equity_index_expires_on_its_own_day_and_hour() -> None:
    nifty = next(upcoming(UNDERLYINGS["NIFTY"], FRIDAY_NOON))
    assert (nifty.label, nifty.kind, nifty.time % 86_400_000) == ("24NOV26", "index_price", 10 * 3_600_000)


@EVERY
def test_every_name_is_an_option_of_its_strike_and_side(name: str) -> None:
    chain_model = model(name)
    for part in chain_model.slices:
        for option, side, place in option_names(chain_model.underlying, part):
            named = parse_name(option)
            assert named is not None
            assert (named.underlying, named.strike, named.is_call) == (name, part.strikes[place], side == 0)


@EVERY
def test_greeks_follow_from_the_published_volatility_and_the_models_forward(name: str) -> None:
    chain_model = model(name)
    part = chain_model.slices[2]
    for option, row in tickers(chain_model.underlying, chain_model.quote(part)):
        years = (part.expiry.time - row["timestamp"]) / MS_PER_YEAR
        arguments = (chain_model.forward(part), float(option.split("-")[2]), years, row["mark_iv"] / 100)
        own = greeks(*map(np.asarray, arguments), np.asarray(option.endswith("C")))
        for greek, value in own._asdict().items():
            assert row["greeks"][greek] == pytest.approx(float(value), abs=6e-6)


@EVERY
def test_the_domain_finds_the_forward_of_the_marks(name: str) -> None:
    chain_model = model(name)
    found = priced(chain_model).terms.forwards
    for part, forward in zip(chain_model.slices, found, strict=True):
        assert forward.source == ("parity" if part.expiry.kind == "index_price" else "published")
        # The index has moved for part of a second since the quotes of the expiry.
        assert forward.price == pytest.approx(chain_model.forward(part), rel=2e-4)


@EVERY
def test_our_volatility_of_the_mark_equals_the_published_one(name: str) -> None:
    chain = priced(model(name))
    own, published = chain.solve("mark").vol[:-1], chain.view.quotes.mark_iv[:-1]
    near = np.abs(chain.greeks.delta[:-1] - np.where(chain.view.layout.is_call[:-1], 0.5, -0.5)) < 0.4
    assert near.sum() > 20
    assert np.abs(own - published)[near].max() < 2e-4


def test_an_index_price_is_not_the_forward() -> None:
    chain_model = model("BTC")
    row = next(row for _, row in tickers(chain_model.underlying, chain_model.quote(chain_model.slices[0])))
    assert (row["underlying_index"], row["underlying_price"]) == ("index_price", chain_model.index)
    assert chain_model.forward(chain_model.slices[0]) != chain_model.index


def test_a_missing_bid_is_zero_in_a_ticker_and_null_in_a_summary() -> None:
    chain_model = model("BTC")
    worthless = next(row for _, row in quoted(chain_model) if not row["best_bid_price"])
    assert (worthless["best_bid_amount"], worthless["bid_iv"]) == (0.0, 0.0)
    assert summary(worthless)["bid_price"] is None


def test_an_equity_index_has_linear_instruments() -> None:
    chain_model = model("NIFTY")
    row = next(instruments(chain_model.underlying, chain_model.slices[0]))
    assert (row["instrument_type"], row["quote_currency"]) == ("linear", "INR")
    assert row["expiration_timestamp"] == chain_model.slices[0].expiry.time


def test_a_roll_expires_the_nearest_expiry_and_lists_a_further_one() -> None:
    chain_model = model("BTC", expiries=3)
    before = [part.expiry.label for part in chain_model.slices]
    rolled = chain_model.roll()
    assert rolled.expired.expiry.label == before[0]
    assert [part.expiry.label for part in chain_model.slices] == [*before[1:], "4DEC26"]


def test_the_same_seed_gives_the_same_quotes() -> None:
    assert quoted(model("BTC")) == quoted(model("BTC"))


def test_a_chain_without_strikes_is_refused() -> None:
    with pytest.raises(ValueError, match="expected expiries >= 1 and strikes >= 1, got 1 and 0"):
        ChainShape(1, 0)

"""The model of option chains: what it publishes can be computed again from what it publishes."""

from datetime import datetime, timezone
from itertools import islice

import msgspec
import numpy as np
import pytest

from ingestion.generator.chain import MS_PER_YEAR, ChainModel, ChainShape
from ingestion.generator.option_frames import Row, instruments, names, notification, summary, tickers
from ingestion.generator.underlyings import UNDERLYINGS, upcoming
from market.options.black import greeks
from market.options.chain import Chain
from market.options.instrument import parse_name
from market.options.model import Model, price_chain
from market.options.wire import parse

FRIDAY_NOON = int(datetime(2026, 11, 20, 12, tzinfo=timezone.utc).timestamp() * 1000)
EVERY = pytest.mark.parametrize("name", UNDERLYINGS)


def model(name: str, expiries: int = 5) -> ChainModel:
    return ChainModel(UNDERLYINGS[name], ChainShape(expiries=expiries, strikes=21), 1, FRIDAY_NOON)


def quoted(made: ChainModel) -> list[tuple[str, Row]]:
    rows = [tickers(made.underlying, made.step(FRIDAY_NOON + 100 * turn)) for turn in range(len(made.slices))]
    return [row for each in rows for row in each]


def priced(made: ChainModel) -> Model:
    """The domain's view of all that the model says."""
    chain = Chain(made.underlying.name)
    rows = [row for part in made.slices for row in instruments(made.underlying, part)]
    frames = [notification(f"ticker.{name}.100ms", row) for name, row in quoted(made)]
    for frame in [msgspec.json.encode({"result": rows}), *frames]:
        for event in parse(frame):
            assert not isinstance(event, Exception)
            chain.apply(event)
    return price_chain(chain.view(made.time))


def test_expiries_are_those_a_venue_lists() -> None:
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
    made = model(name)
    for part in made.slices:
        for option, side, place in names(made.underlying, part):
            named = parse_name(option)
            assert named is not None
            assert (named.underlying, named.strike, named.is_call) == (name, part.strikes[place], side == 0)


@EVERY
def test_greeks_are_those_of_the_published_volatility_and_the_true_forward(name: str) -> None:
    made = model(name)
    part = made.slices[2]
    for option, row in tickers(made.underlying, made.quote(part)):
        years = (part.expiry.time - row["timestamp"]) / MS_PER_YEAR
        arguments = (made.forward(part), float(option.split("-")[2]), years, row["mark_iv"] / 100)
        own = greeks(*map(np.asarray, arguments), np.asarray(option.endswith("C")))
        for greek, value in own._asdict().items():
            assert row["greeks"][greek] == pytest.approx(float(value), abs=6e-6)


@EVERY
def test_the_domain_finds_the_forward_that_the_marks_were_made_with(name: str) -> None:
    made = model(name)
    found = priced(made).terms.forwards
    for part, forward in zip(made.slices, found, strict=True):
        assert forward.source == ("parity" if part.expiry.kind == "index_price" else "published")
        # Between an expiry's quotes and now the index has walked on for part of a second.
        assert forward.price == pytest.approx(made.forward(part), rel=2e-4)


@EVERY
def test_our_volatility_of_the_mark_is_the_published_one(name: str) -> None:
    chain = priced(model(name))
    own, published = chain.solve("mark").vol[:-1], chain.view.quotes.mark_iv[:-1]
    near = np.abs(chain.greeks.delta[:-1] - np.where(chain.view.layout.is_call[:-1], 0.5, -0.5)) < 0.4
    assert near.sum() > 20
    assert np.abs(own - published)[near].max() < 2e-4


def test_an_index_price_is_not_the_forward() -> None:
    made = model("BTC")
    row = next(row for _, row in tickers(made.underlying, made.quote(made.slices[0])))
    assert (row["underlying_index"], row["underlying_price"]) == ("index_price", made.index)
    assert made.forward(made.slices[0]) != made.index


def test_without_a_bid_a_ticker_says_zero_and_a_summary_null() -> None:
    made = model("BTC")
    worthless = next(row for _, row in quoted(made) if not row["best_bid_price"])
    assert (worthless["best_bid_amount"], worthless["bid_iv"]) == (0.0, 0.0)
    assert summary(worthless)["bid_price"] is None


def test_an_equity_index_is_told_by_its_instrument_type() -> None:
    made = model("NIFTY")
    row = next(instruments(made.underlying, made.slices[0]))
    assert (row["instrument_type"], row["quote_currency"]) == ("linear", "INR")
    assert row["expiration_timestamp"] == made.slices[0].expiry.time


def test_a_roll_drops_the_nearest_expiry_and_lists_a_further_one() -> None:
    made = model("BTC", expiries=3)
    before = [part.expiry.label for part in made.slices]
    rolled = made.roll()
    assert rolled.gone.expiry.label == before[0]
    assert [part.expiry.label for part in made.slices] == [*before[1:], "4DEC26"]


def test_the_same_seed_makes_the_same_quotes() -> None:
    assert quoted(model("BTC")) == quoted(model("BTC"))


def test_a_chain_without_strikes_is_refused() -> None:
    with pytest.raises(ValueError, match="expected expiries >= 1 and strikes >= 1, got 1 and 0"):
        ChainShape(1, 0)

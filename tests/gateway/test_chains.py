"""Answers that are computed from option chains."""

import pytest
from msgspec.structs import replace

from gateway import chains
from gateway.catalog import classify
from gateway.chains import ExpiryChain
from tests.gateway.feeder import EXPIRY, options, summary

CHAIN = ExpiryChain(summary(1000), options(1000))


def test_an_expiry_that_is_over_is_not_listed_while_the_others_go_on() -> None:
    def expiring(expiry: int, event_time: int) -> ExpiryChain:
        return ExpiryChain(replace(summary(event_time), expiry=expiry), [])

    over, nearest, later = expiring(5_000, 4_900), expiring(9_000, 5_000), expiring(20_000, 4_000)
    assert chains.listed([later, over, nearest]) == [nearest, later]
    assert chains.listed([over]) == [over]  # nothing says that it is over but its age
    assert chains.listed([]) == []


def test_a_full_chain_has_calls_and_puts_by_strike() -> None:
    full = chains.full_chain(CHAIN)
    assert (full["expiry"], full["spot_price"]) == (EXPIRY, 100.5)
    assert [(each.strike, each.kind) for each in full["calls"] + full["puts"]] == [
        (90.0, "call"),
        (110.0, "call"),
        (90.0, "put"),
        (110.0, "put"),
    ]


def test_a_smile_is_that_of_the_options_out_of_the_money() -> None:
    smile = chains.smile(CHAIN)
    assert (smile["strikes"], smile["kinds"], smile["ivs"]) == ([90.0, 110.0], ["put", "call"], [0.5, 0.5])


def test_naive_gamma_is_calls_less_puts() -> None:
    assert chains.exposure([CHAIN, CHAIN])[0] == {
        "strike": 90.0,
        "call_gamma": 4.0,
        "put_gamma": 2.0,
        "gross": 6.0,
        "naive": 2.0,
    }


def test_a_change_of_open_interest_that_is_unknown_is_null() -> None:
    rows = chains.open_interest([CHAIN], {"BTC-28JUN30-90-C": -2.0, "BTC-28JUN30-90-P": None})
    assert [(row["calls_change_1h"], row["puts_change_1h"]) for row in rows] == [(-2.0, None), (None, None)]


def test_max_pain_has_its_distance_from_the_spot() -> None:
    row = chains.max_pain(CHAIN)
    assert (row["distance_from_spot"], row["distance_share"]) == (-0.5, pytest.approx(-0.5 / 100.5))


def test_names_without_a_venue_are_the_same_values_and_left_out() -> None:
    names = classify(
        [
            "orderbook:kraken:BTC/USD:latest",
            "orderbook:BTCUSDT:latest",
            "underlying:deribit:BTC:latest",
            "underlying:BTC:latest",
            "chain:BTC:2030-06-28",
            "chain:BTC:2030-05-31",
            "status:kraken:BTC/USD",
            "alerts:latest",
        ]
    )
    assert names.books == [("kraken", "BTC/USD")]
    assert names.underlyings == ["underlying:deribit:BTC:latest"]
    assert names.chains == {"BTC": ["chain:BTC:2030-05-31", "chain:BTC:2030-06-28"]}

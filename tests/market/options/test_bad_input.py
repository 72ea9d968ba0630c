"""What no venue should say, said to the keeper: an answer that is defined, on the records that leave it."""

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import pytest
from msgspec import json

from market.options.batch import ChainBatch, ChainConfig
from market.options.forward import MS_PER_YEAR
from market.options.keeper import ChainKeeper
from market.options.records import ChainRecord, SurfaceRecord, UnderlyingTick
from tests.market.options.builders import CALL, EXPIRY, NOW, PUT, ticker, wrapped

IN_THE_MONEY = "BTC-27NOV26-60000-C"


class Said(NamedTuple):
    """All that a keeper says of the second of `NOW`."""

    heard: ChainBatch
    chains: list[ChainRecord]
    legs: dict[str, SurfaceRecord]
    ticks: list[UnderlyingTick]


def said_of(*values: bytes) -> Said:
    keeper = ChainKeeper("deribit", "BTC", ChainConfig())
    heard, closed = keeper.apply_all(values), keeper.flush()
    legs = [json.decode(line, type=SurfaceRecord) for line in closed.surfaces]
    return Said(
        heard,
        [json.decode(line, type=ChainRecord) for line in closed.chains],
        {leg.instrument: leg for leg in legs},
        [json.decode(line, type=UnderlyingTick) for line in closed.ticks],
    )


@pytest.mark.parametrize(
    "name",
    [
        "BTC-PERPETUAL",
        "BTC-27NOV26",
        "BTC-31NOV26-70000-C",
        "BTC-27NOW26-70000-C",
        "BTC-27NOV26-0-C",
        "BTC-27NOV26-70000-X",
        "BTC-27NOV26-1e5-C",
        "btc-27nov26-70000-c",
        "BTC-CS-27NOV26-70000_75000",
        "BTC--70000-C",
        "\u0000",
        "C" * 10_000,
    ],
)
def test_a_name_that_is_no_options_is_refused_and_the_rest_is_said(name: str) -> None:
    said = said_of(ticker(name), ticker(CALL), wrapped({"params": {"channel": "ticker..100ms", "data": {}}}))
    assert [reject.index for reject in said.heard.rejects] == [0, 2]
    assert str(said.heard.rejects[0].reason).startswith(f"{name}: not the name of an option")
    assert list(said.legs) == [CALL]


def test_negative_open_interest_is_refused_and_what_was_known_stands() -> None:
    said = said_of(ticker(open_interest=7.0), ticker(time=NOW + 1, open_interest=-1.0))
    assert "open_interest" in said.heard.rejects[0].reason
    assert (said.legs[CALL].open_interest, said.legs[CALL].quote_time) == (7.0, NOW)
    assert said.chains[0].call_open_interest == 7.0


@pytest.mark.parametrize("printed", [0, 0.0, 999, 999.0, None])
def test_a_volatility_of_0_or_999_is_none_and_our_own_of_the_mark_takes_its_place(printed: object) -> None:
    said = said_of(ticker(mark_iv=printed), ticker(PUT, mark_iv=printed))
    leg = said.legs[CALL]
    assert leg.mark_iv is None and said.heard.rejects == []
    at_the_money = 2 * NormalDist().inv_cdf(0.525) / sqrt((EXPIRY - NOW) / MS_PER_YEAR)  # 2 N(s/2) - 1 = 0.05
    assert leg.iv == said.chains[0].atm_iv == pytest.approx(at_the_money, rel=1e-9)
    assert leg.delta is not None and leg.gamma is not None


@pytest.mark.parametrize("printed", [0, 999])
def test_without_mark_and_volatility_there_is_none_and_the_reason_is_said(printed: object) -> None:
    said = said_of(ticker(mark_iv=printed, mark_price=0))
    leg = said.legs[CALL]
    assert (leg.iv, leg.mark_iv, leg.delta, leg.gamma_usd) == (None, None, None, 0.0)
    assert "mark:no_price" in leg.flags
    assert (said.chains[0].atm_iv, "no_atm_iv" in said.chains[0].flags) == (None, True)


@pytest.mark.parametrize(("bid", "ask"), [(0.06, 0.05), (0.05, 0.05)])
def test_a_crossed_or_locked_quote_is_flagged_and_gives_no_mid(bid: float, ask: float) -> None:
    said = said_of(
        ticker(best_bid_price=bid, best_ask_price=ask), ticker(PUT, best_bid_price=0.04, best_ask_price=0.06)
    )
    assert (said.legs[CALL].bid, said.legs[CALL].ask, said.legs[CALL].flags) == (bid, ask, ["crossed"])
    assert (said.chains[0].straddle_source, said.chains[0].straddle) == ("mark", pytest.approx(0.1 * 70_000))


@pytest.mark.parametrize("none", [{}, {"best_bid_price": None}, {"best_bid_price": 0.0, "bid_iv": 0.0}])
def test_no_bid_is_null_with_a_reason_and_never_zero(none: dict[str, object]) -> None:
    leg = said_of(ticker(best_ask_price=0.06, **none)).legs[CALL]
    assert (leg.bid, leg.bid_iv, leg.flags) == (None, None, ["bid:no_price"])
    assert leg.ask_iv is not None


def test_a_bid_below_intrinsic_is_kept_and_has_no_volatility() -> None:
    leg = said_of(ticker(IN_THE_MONEY, mark_price=0.15, best_bid_price=0.14, best_ask_price=0.16)).legs[IN_THE_MONEY]
    assert (leg.bid, leg.bid_iv, leg.flags) == (0.14, None, ["bid:below_intrinsic"])
    assert leg.iv is not None and leg.ask_iv is not None


def test_an_option_that_expired_is_neither_heard_nor_said() -> None:
    said = said_of(ticker(time=EXPIRY), ticker("BTC-4DEC26-70000-C", EXPIRY + 1))
    assert (said.heard.counts.unchanged, said.heard.rejects) == (1, [])
    assert list(said.legs) == ["BTC-4DEC26-70000-C"]


def test_nothing_is_said_of_a_chain_whose_options_all_expired() -> None:
    said = said_of(ticker(time=EXPIRY - 1))
    assert (said.chains, said.legs, said.ticks) == ([], {}, [])


def test_a_chain_of_one_strike() -> None:
    (chain,) = said_of(ticker(), ticker(PUT)).chains
    assert (chain.strikes, chain.max_pain, chain.max_pain_low, chain.max_pain_high, chain.pain) == (1, *[70_000] * 3, 0)
    assert (chain.atm_strike, chain.atm_iv, chain.straddle) == (70_000, 0.5, pytest.approx(7_000))
    assert (chain.risk_reversal_25, chain.skew_slope, chain.svi_a) == (None, None, None)
    assert set(chain.flags) == {"no_call_volume", "no_25_delta", "no_fit", "no_zero_gamma", "degenerate"}


def test_a_chain_of_puts() -> None:
    said = said_of(*(ticker(f"BTC-27NOV26-{strike}-P", open_interest=2.0) for strike in (60_000, 70_000, 80_000)))
    (chain,), (tick,) = said.chains, said.ticks
    assert (chain.pcr_open_interest, chain.pcr_volume, tick.pcr_open_interest) == (None, None, None)
    assert (chain.call_open_interest, chain.put_open_interest, chain.call_wall) == (0, 6, None)
    assert (chain.max_pain, chain.straddle, chain.put_wall) == (80_000, None, 70_000)
    assert chain.gamma_naive == pytest.approx(-chain.gamma_gross)
    assert {"no_call_interest", "no_call_volume", "no_straddle"} <= set(chain.flags)

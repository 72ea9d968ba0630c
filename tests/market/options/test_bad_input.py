"""Invalid exchange data gives defined output: rejects, nulls and flags in the emitted records."""

from json import dumps, loads
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import pytest
from msgspec import json

from market.options.builder import ChainBuilder
from market.options.chain_batch import ChainBatch, ChainConfig
from market.options.forwards import MS_PER_YEAR
from market.options.records import ChainRecord, SurfaceRecord, UnderlyingTick
from tests.market.options.builders import CALL, EXPIRY, NOW, PUT, raw_record, ticker
from venues.deribit import OPTION_FEED

IN_THE_MONEY = "BTC-27NOV26-60000-C"


class Output(NamedTuple):
    """Batch of a builder, and the decoded records of the second of `NOW`."""

    batch: ChainBatch
    chains: list[ChainRecord]
    options: dict[str, SurfaceRecord]
    ticks: list[UnderlyingTick]


def output_of(*values: bytes) -> Output:
    builder = ChainBuilder("deribit", "BTC", ChainConfig(), OPTION_FEED)
    batch, closed = builder.apply_all(values), builder.flush()
    options = [json.decode(line, type=SurfaceRecord) for line in closed.surfaces]
    return Output(
        batch,
        [json.decode(line, type=ChainRecord) for line in closed.chains],
        {option.instrument: option for option in options},
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
    ],
)
def test_a_name_of_no_option_is_rejected_and_other_records_are_used(name: str) -> None:
    output = output_of(ticker(name), ticker(CALL), raw_record({"params": {"channel": "ticker..100ms", "data": {}}}))
    assert [reject.index for reject in output.batch.rejects] == [0, 2]
    assert str(output.batch.rejects[0].reason).startswith(f"{name}: not the name of an option")
    assert list(output.options) == [CALL]


@pytest.mark.parametrize(
    "name", ["\u0000", "C" * 10_000, "BTC-27NOV26-" + "7" * 100 + "-C", "BTC 27NOV26", "БТЦ", "a\n"]
)
def test_a_name_that_is_too_long_or_of_other_characters_is_rejected_with_a_short_reason(name: str) -> None:
    """As a ticker, as a row of a summary, and as a listed instrument."""
    row = {"instrument_name": name, "timestamp": NOW, "mark_price": 0.05}
    listed = row | {"expiration_timestamp": EXPIRY, "strike": 70000.0, "option_type": "call"}
    output = output_of(ticker(name), raw_record({"result": [row, listed]}), ticker(CALL))
    assert list(output.options) == [CALL]
    rejects = output.batch.rejects
    assert rejects[0].reason.startswith("expected a name of") and all(len(reject.reason) < 200 for reject in rejects)
    builder = ChainBuilder("deribit", name.partition("-")[0], ChainConfig(), OPTION_FEED)
    assert builder.apply_all([raw_record({"result": [row, listed]})]).counts.rejected == 2


@pytest.mark.parametrize(
    "fields", [{"recv_us": 2**70}, {"recv_us": -1}, {"seq": 2**70}, {"seq": "1"}, {"recv_us": 10**300}], ids=str
)
def test_an_envelope_with_impossible_numbers_is_rejected_and_the_state_can_be_saved(fields: dict[str, object]) -> None:
    builder = ChainBuilder("deribit", "BTC", ChainConfig(), OPTION_FEED)
    batch = builder.apply_all([ticker(), _with(ticker(PUT), fields)])
    assert (batch.counts.applied, batch.rejects[0].where) == (1, "envelope")
    assert builder.journal() is not None


def _with(value: bytes, fields: dict[str, object]) -> bytes:
    return dumps(loads(value) | fields).encode()


def test_negative_open_interest_is_rejected_and_the_last_quote_remains() -> None:
    output = output_of(ticker(open_interest=7.0), ticker(time=NOW + 1, open_interest=-1.0))
    assert "open_interest" in output.batch.rejects[0].reason
    assert (output.options[CALL].open_interest, output.options[CALL].quote_time) == (7.0, NOW)
    assert output.chains[0].call_open_interest == 7.0


@pytest.mark.parametrize("printed", [0, 0.0, 999, 999.0, None])
def test_a_published_volatility_of_0_or_999_is_null_and_our_own_replaces_it(printed: object) -> None:
    output = output_of(ticker(mark_iv=printed), ticker(PUT, mark_iv=printed))
    option = output.options[CALL]
    assert option.mark_iv is None and output.batch.rejects == []
    at_the_money = 2 * NormalDist().inv_cdf(0.525) / sqrt((EXPIRY - NOW) / MS_PER_YEAR)  # 2 N(s/2) - 1 = 0.05
    assert option.iv == output.chains[0].atm_iv == pytest.approx(at_the_money, rel=1e-9)
    assert option.delta is not None and option.gamma is not None


@pytest.mark.parametrize("printed", [0, 999])
def test_without_mark_and_volatility_the_volatility_is_null_with_a_reason(printed: object) -> None:
    output = output_of(ticker(mark_iv=printed, mark_price=0))
    option = output.options[CALL]
    assert (option.iv, option.mark_iv, option.delta, option.gamma_usd) == (None, None, None, 0.0)
    assert "mark:no_price" in option.flags
    assert (output.chains[0].atm_iv, "no_atm_iv" in output.chains[0].flags) == (None, True)


@pytest.mark.parametrize(("bid", "ask"), [(0.06, 0.05), (0.05, 0.05)])
def test_a_crossed_or_locked_quote_is_flagged_and_gives_no_mid(bid: float, ask: float) -> None:
    output = output_of(
        ticker(best_bid_price=bid, best_ask_price=ask), ticker(PUT, best_bid_price=0.04, best_ask_price=0.06)
    )
    assert (output.options[CALL].bid, output.options[CALL].ask, output.options[CALL].flags) == (bid, ask, ["crossed"])
    assert (output.chains[0].straddle_source, output.chains[0].straddle) == ("mark", pytest.approx(0.1 * 70_000))


@pytest.mark.parametrize("none", [{}, {"best_bid_price": None}, {"best_bid_price": 0.0, "bid_iv": 0.0}])
def test_a_missing_bid_is_null_with_a_reason(none: dict[str, object]) -> None:
    option = output_of(ticker(best_ask_price=0.06, **none)).options[CALL]
    assert (option.bid, option.bid_iv, option.flags) == (None, None, ["bid:no_price"])
    assert option.ask_iv is not None


def test_a_bid_below_intrinsic_has_no_volatility() -> None:
    output = output_of(ticker(IN_THE_MONEY, mark_price=0.15, best_bid_price=0.14, best_ask_price=0.16))
    option = output.options[IN_THE_MONEY]
    assert (option.bid, option.bid_iv, option.flags) == (0.14, None, ["bid:below_intrinsic"])
    assert option.iv is not None and option.ask_iv is not None


def test_an_expired_option_is_neither_applied_nor_emitted() -> None:
    output = output_of(ticker(time=EXPIRY), ticker("BTC-4DEC26-70000-C", EXPIRY + 1))
    assert (output.batch.counts.unchanged, output.batch.rejects) == (1, [])
    assert list(output.options) == ["BTC-4DEC26-70000-C"]


def test_a_chain_of_expired_options_emits_no_records() -> None:
    output = output_of(ticker(time=EXPIRY - 1))
    assert (output.chains, output.options, output.ticks) == ([], {}, [])


def test_a_chain_of_one_strike_is_degenerate() -> None:
    (chain,) = output_of(ticker(), ticker(PUT)).chains
    assert (chain.strikes, chain.max_pain, chain.max_pain_low, chain.max_pain_high, chain.pain) == (1, *[70_000] * 3, 0)
    assert (chain.atm_strike, chain.atm_iv, chain.straddle) == (70_000, 0.5, pytest.approx(7_000))
    assert (chain.risk_reversal_25, chain.skew_slope, chain.svi_a) == (None, None, None)
    assert set(chain.flags) == {"no_call_volume", "no_25_delta", "no_fit", "no_zero_gamma", "degenerate"}


def test_a_chain_of_puts_has_no_ratio_and_no_straddle() -> None:
    output = output_of(*(ticker(f"BTC-27NOV26-{strike}-P", open_interest=2.0) for strike in (60_000, 70_000, 80_000)))
    (chain,), (tick,) = output.chains, output.ticks
    assert (chain.pcr_open_interest, chain.pcr_volume, tick.pcr_open_interest) == (None, None, None)
    assert (chain.call_open_interest, chain.put_open_interest, chain.call_wall) == (0, 6, None)
    assert (chain.max_pain, chain.straddle, chain.put_wall) == (80_000, None, 70_000)
    assert chain.gamma_naive == pytest.approx(-chain.gamma_gross)
    assert {"no_call_interest", "no_call_volume", "no_straddle"} <= set(chain.flags)

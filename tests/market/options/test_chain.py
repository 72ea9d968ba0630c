"""A chain contains the newest quote of every option, independent of order and repetition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.envelope import InvalidRecord
from market.options.chain import Chain
from market.options.events import IndexPrice, Instrument
from tests.market.options.builders import CALL, EXPIRY, NOW, ONE_MINUTE_LATER, PUT, quote
from venues.deribit import OPTION_FEED

FAR = "BTC-4DEC26-70000-C"

quotes = st.builds(
    lambda name, time, mark, bid: quote(name, NOW + time, mark=mark, bid=bid),
    st.sampled_from([CALL, PUT, FAR]),
    st.integers(0, 3),
    st.sampled_from([0.1, 0.2, float("nan")]),
    st.sampled_from([0.05, float("nan")]),
)


def contents(chain: Chain) -> bytes:
    view = chain.view(NOW)
    return np.vstack([view.quote_time, *view.quotes]).tobytes()


@given(st.lists(quotes, min_size=1), st.randoms())
def test_order_and_repetition_of_events_change_nothing(events, random):
    straight, shuffled = Chain("BTC", OPTION_FEED), Chain("BTC", OPTION_FEED)
    for event in events:
        straight.apply(event)
    again = [*events, *random.choices(events, k=5)]
    random.shuffle(again)
    for event in again:
        shuffled.apply(event)
    assert contents(straight) == contents(shuffled)


def test_a_late_or_repeated_ticker_changes_nothing():
    chain = Chain("BTC", OPTION_FEED)
    assert chain.apply(quote(CALL, ONE_MINUTE_LATER, mark=0.2))
    assert not chain.apply(quote(CALL, ONE_MINUTE_LATER, mark=0.2))
    assert not chain.apply(quote(CALL, NOW, mark=0.1))
    assert chain.view(NOW).quotes.mark[0] == 0.2


def test_columns_are_ordered_by_expiry_and_strike_with_the_put_before_the_call():
    chain = Chain("BTC", OPTION_FEED)
    for name in (FAR, CALL, "BTC-27NOV26-65000-C", PUT):
        chain.apply(quote(name))
    layout = chain.view(NOW).layout
    assert [i.name for i in layout.instruments] == ["BTC-27NOV26-65000-C", PUT, CALL, FAR]
    near, far = layout.expiries
    assert (near.strikes.tolist(), near.calls.tolist(), near.puts.tolist()) == ([65000, 70000], [0, 2], [-1, 1])
    assert (far.rows, far.calls.tolist(), far.puts.tolist()) == (slice(3, 4), [3], [-1])


def test_a_missing_leg_reads_nan():
    chain = Chain("BTC", OPTION_FEED)
    chain.apply(quote(CALL, mark=0.3))
    view = chain.view(NOW)
    assert np.isnan(view.quotes.mark[view.layout.expiries[0].puts]).all()


def test_an_instrument_row_changes_the_expiry():
    chain = Chain("BTC", OPTION_FEED)
    chain.apply(quote(CALL))
    assert chain.view(NOW).layout.instruments[0].expiry == EXPIRY
    assert chain.apply(Instrument(CALL, "BTC", EXPIRY + 1000, 70000, True, False))
    assert chain.view(NOW).layout.instruments[0].expiry == EXPIRY + 1000


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (quote("BTC-PERPETUAL"), "BTC-PERPETUAL: not the name of an option"),
        (quote("ETH-27NOV26-4000-C"), "ETH-27NOV26-4000-C: expected an option on BTC"),
        (IndexPrice("eth_usd", NOW, 4000.0), "index eth_usd: expected the index of BTC"),
        (
            Instrument("ETH-27NOV26-4000-C", "ETH", EXPIRY, 4000, True, False),
            "ETH-27NOV26-4000-C: expected an option on BTC",
        ),
    ],
)
def test_events_of_another_chain_are_invalid(event, reason):
    with pytest.raises(InvalidRecord, match=reason):
        Chain("BTC", OPTION_FEED).apply(event)


def test_expired_options_are_not_in_a_view_and_are_evicted():
    chain = Chain("BTC", OPTION_FEED)
    chain.apply(quote(CALL))
    chain.apply(quote(FAR))
    assert [i.name for i in chain.view(EXPIRY).layout.instruments] == [FAR]
    assert chain.evict(EXPIRY) == [CALL]
    assert len(chain) == 1
    assert not chain.apply(quote(CALL, EXPIRY))
    assert not chain.apply(quote("BTC-27NOV26-80000-C", EXPIRY + 1))
    assert [i.name for i in chain.view(EXPIRY).layout.instruments] == [FAR]


def test_quotes_survive_growth_and_eviction():
    chain = Chain("BTC", OPTION_FEED)
    for strike in range(1, 400):
        chain.apply(quote(f"BTC-{'27NOV26' if strike % 2 else '4DEC26'}-{strike}-C", mark=strike))
    chain.evict(EXPIRY)
    view = chain.view(EXPIRY)
    assert view.quotes.mark[:-1].tolist() == view.layout.strike[:-1].tolist() == list(range(2, 400, 2))


def test_index_price_is_the_newest_of_index_channel_and_quotes():
    chain = Chain("BTC", OPTION_FEED)
    assert np.isnan(chain.view(NOW).index_price)
    chain.apply(quote(CALL, NOW, index_price=70000.0))
    assert chain.view(NOW).index_price == 70000.0
    assert chain.apply(IndexPrice("btc_usd", ONE_MINUTE_LATER, 71000.0))
    assert not chain.apply(IndexPrice("btc_usd", NOW, 69000.0))
    assert chain.view(NOW).index_price == 71000.0


def test_an_empty_chain_has_an_empty_view():
    view = Chain("BTC", OPTION_FEED).view(NOW)
    assert view.layout.expiries == ()
    assert view.quotes.mark.shape == (1,)

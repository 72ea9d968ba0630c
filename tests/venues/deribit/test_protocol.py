"""Streams of an option chain, from the reply of `get_instruments`."""

import pytest

from venues.deribit.protocol import ListedOption, chain_streams, listing_query, parse_reply
from venues.protocol import Stream

NOW, FRIDAY, NEXT_FRIDAY = 1_767_225_600_000, 1_767_340_800_000, 1_767_945_600_000
CALL, PUT = "BTC-2JAN26-60000-C", "BTC-9JAN26-60000-P"


def options() -> list[ListedOption]:
    linear = ListedOption("SOL_USDC-2JAN26-100-C", FRIDAY, "sol_usdc")
    return [ListedOption(CALL, FRIDAY, "btc_usd"), ListedOption(PUT, NEXT_FRIDAY, "btc_usd"), linear]


def test_a_chain_has_all_options_of_its_name_and_the_index() -> None:
    assert chain_streams("BTC", options(), "ticker.100ms", NOW) == {
        Stream("ticker.100ms", CALL): FRIDAY,
        Stream("ticker.100ms", PUT): NEXT_FRIDAY,
        Stream("index", "btc_usd"): NEXT_FRIDAY,
    }


def test_an_expired_option_is_not_subscribed() -> None:
    assert Stream("ticker.100ms", CALL) not in chain_streams("BTC", options(), "ticker.100ms", FRIDAY)


def test_a_linear_family_is_listed_under_the_currency_it_is_paid_in() -> None:
    assert listing_query("SOL_USDC")["currency"] == "USDC"
    assert Stream("index", "sol_usdc") in chain_streams("SOL_USDC", options(), "ticker.100ms", NOW)


def test_an_accepted_channel_without_a_symbol_is_an_error() -> None:
    with pytest.raises(ValueError, match="Deribit channel 'announcements' names no instrument"):
        parse_reply(b'{"jsonrpc":"2.0","id":3,"result":["announcements"]}')

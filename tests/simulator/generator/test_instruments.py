"""Numbers as each venue prints them, and the choice of instruments."""

import pytest

from simulator.generator.instruments import Grid, NumberTexts
from simulator.registry import SIMULATORS, choose, instrument


def test_fixed_numbers_keep_their_zeros() -> None:
    assert Grid(1_000_000, 8).fixed(268_380) == "2683.80000000"
    assert Grid(10, 2).fixed(618_002) == "61800.20"
    assert Grid(1, 0).fixed(813) == "813"
    assert Grid(1, 8).fixed(5100) == "0.00005100"


def test_shortest_numbers_are_doubles_with_a_decimal() -> None:
    assert Grid(5, 1).shortest(123_601) == "61800.5"
    assert Grid(100, 1).shortest(9) == "90.0"


def test_units_are_the_digits_of_krakens_checksum() -> None:
    assert Grid(1, 8).units(5100) == "5100"
    assert Grid(1, 1).units(633_470) == "633470"


def test_number_texts_are_cleared_before_they_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NumberTexts, "LIMIT", 3)
    texts = NumberTexts(str)
    assert [texts[n] for n in range(10)] == [str(n) for n in range(10)]
    assert len(texts) <= 3


def test_by_default_every_venue_has_two_symbols() -> None:
    assert {each.venue for each in choose(set(), set())} == set(SIMULATORS)
    assert len(choose(set(), set())) == 2 * len(SIMULATORS)


def test_one_venue_lists_any_symbol() -> None:
    assert choose({"kraken"}, {"ABC/EUR"}) == (instrument("kraken", "ABC/EUR"),)


def test_symbols_select_the_venues_that_list_them() -> None:
    chosen = choose(set(), {"BTCUSDT", "BTC/USD"})
    assert [each.venue for each in chosen] == ["binance", "binance_usdm", "kraken"]


def test_the_error_names_unlisted_symbols_and_venues() -> None:
    with pytest.raises(ValueError, match="no venue lists FOO; name the venue with --venue"):
        choose(set(), {"BTCUSDT", "FOO"})
    with pytest.raises(ValueError, match=f"unknown venue mtgox; expected some of {', '.join(SIMULATORS)}"):
        choose({"mtgox"}, set())

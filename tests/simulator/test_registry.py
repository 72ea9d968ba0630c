"""Discovery of simulated exchanges."""

from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from simulator import registry, venues
from simulator.registry import SIMULATORS, by_id, discover, discover_installed
from tests.venues.example_simulator import VENUES as EXAMPLES
from venues.registry import VENUES


def test_every_venue_has_a_simulator() -> None:
    assert set(SIMULATORS) == set(VENUES)


def test_every_module_of_the_folder_is_found() -> None:
    assert {venue.id for venue in discover(venues)} >= {"binance", "binance_usdm", "kraken", "deribit"}


def test_exchanges_with_option_chains_come_last() -> None:
    known = ["binance", "binance_usdm", "kraken", "example", "deribit"]
    found = {venue.id: venue for venue in [*discover(venues), *EXAMPLES]}
    assert [name for name in by_id(found.values()) if name in known] == known


def test_two_exchanges_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="two simulated exchanges have the id 'kraken': rename one of them"):
        by_id([*discover(venues), replace(SIMULATORS["kraken"])])


def test_an_installed_exchange_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    entry_point = EntryPoint("example", "tests.venues.example_simulator", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry_point] if group == entry_point.group else [])
    assert list(discover_installed()) == list(EXAMPLES)

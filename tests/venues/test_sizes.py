"""The coin of a symbol, by the examples that the dashboard's rule has as well."""

import json
from pathlib import Path

import pytest

from venues.sizes import base_coin

EXAMPLES: dict[str, str] = json.loads(Path(__file__).with_name("coins.json").read_text())


@pytest.mark.parametrize(("symbol", "coin"), EXAMPLES.items())
def test_the_coin_of_a_symbol(symbol: str, coin: str) -> None:
    assert base_coin(symbol) == coin

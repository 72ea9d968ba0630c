"""Usage errors of `depthflow simulate`."""

import pytest
from typer.testing import CliRunner

from simulator.cli import app


@pytest.mark.parametrize("symbols", ["", ",", ",,"])
def test_symbols_without_a_name_are_a_usage_error(symbols: str) -> None:
    result = CliRunner().invoke(app, ["binance", "--symbols", symbols])
    assert result.exit_code == 2
    assert "expected symbols separated by commas" in result.stderr

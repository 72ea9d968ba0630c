"""The options bench on small inputs and on a generated chain."""

import json
from pathlib import Path

import numpy as np
import pytest

import bench.options
from bench.chains import generated_quotes, random_options, recorded_quotes
from market.options.implied_vol import implied_vol


def test_the_generated_chain_has_the_size_of_the_recorded_one():
    assert len(list(generated_quotes())) == 912
    assert recorded_quotes(Path("nowhere")) == []


def test_every_random_option_has_an_implied_volatility():
    options = random_options(500)
    solved = implied_vol(*options[:5])
    assert len(options.vol) == 500
    assert np.abs(solved.vol - options.vol).max() < 1e-8


def test_the_last_line_contains_every_figure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    for name, small in {"OPTIONS": 400, "PARTS": 4, "TICKERS": 1000}.items():
        monkeypatch.setattr(bench.options, name, small)
    bench.options.report(Path("nowhere"))
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"chain_ms", "surface_ms", "iv_per_s", "vollib_iv_per_s", "quantlib_iv_per_s"} <= figures.keys()
    assert all(value > 0 for value in figures.values())

"""The market model: always a valid book, the same for a seed, with moves and sweeps."""

from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.generator.market import Market, MarketShape, MarketStep
from simulator.registry import instrument

ETH = instrument("binance", "ETHUSDT")


def market(seed: int = 1, levels: int = 60, touched: int = 12) -> Market:
    return Market(ETH, MarketShape(levels, touched), seed)


def steps(count: int, model: Market) -> list[MarketStep]:
    return [model.step() for _ in range(count)]


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(20, 80))
def test_a_book_is_never_crossed_locked_or_empty(seed: int, levels: int) -> None:
    model = market(seed, levels, touched=10)
    for _ in range(200):
        model.step()
        assert 0 < model.bids.best() < model.asks.best()
        assert levels // 2 - 6 <= min(len(model.bids), len(model.asks))
        assert max(len(model.bids), len(model.asks)) <= levels + 1


def test_the_same_seed_gives_the_same_steps() -> None:
    assert steps(50, market(seed=7)) == steps(50, market(seed=7))
    assert steps(50, market(seed=7)) != steps(50, market(seed=8))


def test_a_step_changes_the_configured_number_of_levels() -> None:
    sizes = [len(step.bids) + len(step.asks) for step in steps(300, market(levels=200, touched=20))]
    assert fmean(sizes) == pytest.approx(20, abs=1)


def test_fills_take_from_the_side_they_hit() -> None:
    model = market(seed=3)
    for _ in range(500):
        asks = dict(model.asks.lots)
        for fill in model.step().fills:
            if fill.buyer:
                assert 0 < fill.lots <= asks[fill.tick]


def test_the_mid_moves_and_some_takers_sweep() -> None:
    model = market(seed=2)
    fills = [len(step.fills) for step in steps(3000, model)]
    assert model.bids.best() != market(seed=2).bids.best()
    assert max(fills) > 1
    assert 0.15 < sum(map(bool, fills)) / len(fills) < 0.35


def test_imbalance_persists() -> None:
    model, imbalances = market(seed=5), []
    for _ in range(4000):
        model.step()
        bid, ask = (sum(lots for _, lots in side.top(10)) for side in (model.bids, model.asks))
        imbalances.append((bid - ask) / (bid + ask))
    blocks = [fmean(imbalances[i : i + 100]) for i in range(0, 4000, 100)]
    assert max(blocks) > 0.2
    assert min(blocks) < -0.2


def test_a_shape_with_too_few_levels_is_refused() -> None:
    with pytest.raises(
        ValueError, match="expected levels >= 20 and 2 <= touched <= levels / 2, got levels=20, touched=11"
    ):
        MarketShape(levels=20, touched=11)


def test_a_price_with_too_few_ticks_is_refused() -> None:
    with pytest.raises(ValueError, match="NKNUSDT opens at 3521 ticks: too few for 5000 levels on each side"):
        Market(instrument("binance", "NKNUSDT"), MarketShape(levels=5000), 1)

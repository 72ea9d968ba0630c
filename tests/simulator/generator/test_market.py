"""Conditions that are planted in the model of a market."""

from simulator.generator.market import Market, MarketShape
from simulator.registry import instrument


def test_a_planted_sweep_takes_the_best_levels_in_one_step() -> None:
    market = Market(instrument("binance", "BTCUSDT"), MarketShape(), 1)
    best = market.asks.top(12)
    market.planted_sweep = 12
    fills = market.step().fills
    assert [(fill.buyer, fill.tick, fill.lots) for fill in fills] == [(True, *level) for level in best]
    assert len(market.step().fills) < 12

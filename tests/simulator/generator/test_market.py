"""Conditions that are planted in the model of a market."""

from simulator.generator.market import Market, MarketShape
from simulator.registry import instrument


def test_a_planted_spread_stays_wide_until_it_ends() -> None:
    market = Market(instrument("binance", "BTCUSDT"), MarketShape(), 1)
    market.widen(12)
    for _ in range(30):
        market.step()
        assert market.asks.best() - market.bids.best() > 20
    market.wide = False
    for _ in range(30):
        market.step()
    assert market.asks.best() - market.bids.best() < 10


def test_a_planted_wall_keeps_its_size_until_it_is_pulled() -> None:
    market = Market(instrument("binance", "BTCUSDT"), MarketShape(), 1)
    market.build_wall(-1)
    for _ in range(6):
        market.step()
        sizes = [lots for _, lots in market.asks.top(20)]
        assert max(sizes) > sum(sizes) / 2
    assert market.wall is not None
    tick = market.wall[1]
    market.pull_wall()
    old, new = next((old, new) for at, old, new in market.step().asks if at == tick)
    assert new < old / 20 and market.wall is None


def test_a_planted_sweep_takes_the_best_levels_in_one_step() -> None:
    market = Market(instrument("binance", "BTCUSDT"), MarketShape(), 1)
    best = market.asks.top(12)
    market.planted_sweep = 12
    fills = market.step().fills
    assert [(fill.buyer, fill.tick, fill.lots) for fill in fills] == [(True, *level) for level in best]
    assert len(market.step().fills) < 12

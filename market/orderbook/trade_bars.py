"""Bars of one second, as sums of the ticks of its trades (`TradeBar`)."""

from typing import NamedTuple

from market.orderbook.tick_clock import SECOND_MS
from market.orderbook.tick_records import TradeBar, TradeTick


class Bar(NamedTuple):
    """Sums of the ticks of a second; fields as in TradeBar."""

    start: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    notional: float
    signed_volume: float
    trades: int
    buys: int
    late: int


def add_tick(bar: Bar | None, tick: TradeTick) -> Bar:
    """The bar with one more tick."""
    if bar is None:
        bar = Bar(
            tick.start // SECOND_MS * SECOND_MS, tick.open, tick.high, tick.low, tick.close, 0.0, 0.0, 0.0, 0, 0, 0
        )
    return Bar(
        bar.start,
        bar.open,
        max(bar.high, tick.high),
        min(bar.low, tick.low),
        tick.close,
        bar.volume + tick.volume,
        bar.notional + tick.notional,
        bar.signed_volume + tick.signed_volume,
        bar.trades + tick.trades,
        bar.buys + tick.buys,
        bar.late + tick.late,
    )


def record_of(venue: str, symbol: str, bar: Bar) -> TradeBar:
    """The record of a closed second."""
    return TradeBar(
        venue,
        symbol,
        bar.start,
        bar.start + SECOND_MS,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.volume,
        bar.notional,
        bar.notional / bar.volume,
        bar.signed_volume,
        bar.trades,
        bar.buys,
        bar.late,
    )

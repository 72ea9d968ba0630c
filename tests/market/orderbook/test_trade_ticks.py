"""Ticks and bars of trades against pandas, and against themselves in other batches, after restores, and with timers."""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.records import TakerSide, Trade
from market.orderbook.quiet_clock import QuietClock
from market.orderbook.tick_records import TradeBar, TradeTick
from market.orderbook.trade_ticks import TradeChanges, TradeTicks
from tests.sql import reference_model

OPEN = 1_767_225_600_000
LATER = 10_000_000
SIDES: tuple[TakerSide, ...] = ("buy", "sell")


def trade(at: int, price: float = 100.0, size: float = 1.0, side: TakerSide = "buy") -> Trade:
    return Trade("binance", "BTCUSDT", OPEN + at, 1000 * (OPEN + at), str(at), price, size, side)


@st.composite
def streams(draw: st.DrawFn) -> list[Trade]:
    gaps = draw(st.lists(st.sampled_from([0, 0, 1, 30, 90, 400, 2_000, 70_000]), min_size=1, max_size=60))
    return [
        trade(int(at), draw(st.integers(1, 9)) / 4, draw(st.floats(0.001, 10)), draw(st.sampled_from(SIDES)))
        for at in np.cumsum(gaps)
    ]


def whole(trades: Sequence[Trade], *batches: Sequence[Trade]) -> tuple[list[bytes], list[bytes]]:
    ticks = TradeTicks("binance", "BTCUSDT", 30)
    for batch in (trades, *batches):
        ticks.apply(batch)
    return ticks.lines, ticks.bar_lines


def ticks_of(lines: Sequence[bytes]) -> list[TradeTick]:
    return [msgspec.json.decode(line, type=TradeTick) for line in lines]


@given(trades=streams())
@settings(max_examples=50, deadline=None)
def test_ticks_and_bars_equal_pandas(trades: list[Trade]) -> None:
    lines, bars = whole(trades, [trade(LATER)])
    frame = pd.DataFrame(map(msgspec.structs.asdict, trades))
    expected_bars = reference_model.trade_bars(frame)
    found = pd.DataFrame(msgspec.structs.asdict(msgspec.json.decode(line, type=TradeBar)) for line in bars)
    found = found.set_index("window_start")
    for name in expected_bars.columns:
        np.testing.assert_allclose(found[name], expected_bars[name], 1e-9, 1e-9, err_msg=name)
    ticks = frame.assign(start=frame["event_time"] // 100 * 100).groupby("start")
    levels = frame.groupby([frame["event_time"], "side"])["price"].nunique().reset_index()
    for tick, (start, own) in zip(ticks_of(lines), ticks, strict=True):
        inside = levels[levels["event_time"] // 100 * 100 == start]
        most = {
            side: inside[inside["side"] == side]["price"].max() if side in set(inside["side"]) else 0 for side in SIDES
        }
        assert (tick.start, tick.trades, tick.buy_levels, tick.sell_levels) == (
            start,
            len(own),
            most["buy"],
            most["sell"],
        )
        assert (tick.open, tick.high, tick.low, tick.close) == (
            own["price"].iloc[0], own["price"].max(), own["price"].min(), own["price"].iloc[-1]
        )  # fmt: skip
        assert tick.notional == pytest.approx((own["price"] * own["size"]).sum(), 1e-9)


@given(trades=streams(), size=st.sampled_from([1, 7]), everything=st.booleans())
@settings(max_examples=100, deadline=None)
def test_batches_and_restores_give_identical_records(trades: list[Trade], size: int, everything: bool) -> None:
    trades = [*trades, trade(LATER)]
    ticks, entries = TradeTicks("binance", "BTCUSDT", 30), list[bytes]()
    lines, bars = list[bytes](), list[bytes]()
    for start in range(0, len(trades), size):
        ticks.apply(trades[start : start + size])
        lines, bars = lines + ticks.lines, bars + ticks.bar_lines
        saved = ticks.take_changes(everything)
        entries = [*([] if everything else entries), msgspec.msgpack.encode(saved)]
        ticks = TradeTicks("binance", "BTCUSDT", 30)
        for entry in entries:
            ticks.restore(msgspec.msgpack.decode(entry, type=TradeChanges))
    assert (lines, bars) == whole(trades)


@given(trades=streams(), delays=st.lists(st.integers(0, 3_000), min_size=61, max_size=61))
@settings(max_examples=100, deadline=None)
def test_timers_lose_nothing_and_change_nothing_that_is_not_late(trades: list[Trade], delays: list[int]) -> None:
    ticks, clock, timer, arrived = TradeTicks("binance", "BTCUSDT", 30), QuietClock(), OPEN, OPEN
    for each, delay in zip([*trades, trade(LATER)], delays, strict=False):
        arrived = max(arrived, each.event_time + delay)
        for timer in range(timer, min(arrived, timer + 80_000), 500):  # noqa: B020
            ticks.poll(timer, clock)
        ticks.apply([each])
    published, (expected, bars) = ticks_of(ticks.lines), whole(trades, [trade(LATER)])
    if not sum(tick.late for tick in published):
        assert (ticks.lines, ticks.bar_lines) == (expected, bars)
    found = [msgspec.json.decode(line, type=TradeBar) for line in ticks.bar_lines]
    assert sum(bar.trades for bar in found) == sum(tick.trades for tick in published) == len(trades)
    assert sum(bar.volume for bar in found) == pytest.approx(sum(each.size for each in trades))


@given(
    gaps=st.lists(st.sampled_from([0, 1, 30, 90, 200, 400, 900]), min_size=1, max_size=30),
    delays=st.lists(st.integers(0, 600), min_size=31, max_size=31),
    step=st.sampled_from([20, 70, 100, 350]),
)
@settings(max_examples=100, deadline=None)
def test_batches_of_the_book_lose_nothing_and_change_nothing_that_is_not_late(
    gaps: list[int], delays: list[int], step: int
) -> None:
    trades = [trade(int(at)) for at in np.cumsum(gaps)]
    ticks, clock, now, arrived = TradeTicks("binance", "BTCUSDT", 30), QuietClock(), OPEN, OPEN
    for each, delay in zip([*trades, trade(LATER)], delays, strict=False):
        arrived = max(arrived, min(each.event_time, arrived + 1_000) + delay)
        for now in range(now, arrived, step):  # noqa: B020
            ticks.poll_batch(now, clock)
        ticks.apply([each])
    published = ticks_of(ticks.lines)
    if not sum(tick.late for tick in published):
        assert ticks.lines == whole(trades, [trade(LATER)])[0]
    assert sum(tick.trades for tick in published) == len(trades)


def published_by_batches(times: Iterable[int], received: int = 0) -> int | None:
    """Time of the batch that publishes the tick of one trade, which the forwarder had at `received`, ms after OPEN."""
    ticks, clock = TradeTicks("binance", "BTCUSDT", 30), QuietClock()
    ticks.apply([msgspec.structs.replace(trade(0), recv_us=1000 * (OPEN + received))])
    return next((time for time in times if ticks.poll_batch(OPEN + time, clock)), None)


def test_a_busy_book_publishes_the_tick_of_a_fresh_trade() -> None:
    assert published_by_batches(range(50, 3_000, 100)) == 350
    assert published_by_batches(range(10, 3_000, 20)) == 270


def test_a_trade_of_a_backlog_waits_for_the_next_one_or_a_timer() -> None:
    assert published_by_batches(range(50, 3_000, 100), -2_000) is None
    assert published_by_batches(range(50, 1_900, 100), 3_000) is None  # the forwarder's clock is ahead


def test_the_batches_that_a_blocked_task_finds_do_not_publish_a_tick_before_the_trades_that_wait() -> None:
    assert published_by_batches([50, 150, *range(900, 920)]) is None


def test_a_bar_of_a_quiet_symbol_is_published_by_a_timer_and_a_later_trade_counts_in_the_next() -> None:
    ticks, clock = TradeTicks("binance", "BTCUSDT", 30), QuietClock()
    ticks.apply([trade(100)])
    for now in range(0, 2_000, 500):
        ticks.poll(now, clock)
    assert (len(ticks.lines), len(ticks.bar_lines), ticks.needs_timer) == (1, 1, False)
    ticks.apply([trade(950), trade(2_000)])
    (_, late) = ticks_of(ticks.lines)
    assert (late.start - OPEN, late.late) == (1_000, 1)


def test_a_trade_of_a_much_earlier_time_sets_the_clock_back() -> None:
    lines, bars = whole([trade(60_000), trade(29_000), trade(30_000)])
    assert [(tick.seq, tick.start - OPEN, tick.late) for tick in ticks_of(lines)] == [(0, 60_000, 0), (1, 29_000, 0)]
    assert len(bars) == 2

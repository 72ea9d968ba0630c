"""Default thresholds on the calm simulated market: planted events are raised, and nothing else."""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import takewhile
from statistics import median

import msgspec
import pytest
from msgspec.structs import replace

from core.records import Alert, Processed, Trade
from market.alerts.rule_table import RuleTable
from market.orderbook.book_config import BookConfig
from market.orderbook.book_ticks import BookTicks
from market.orderbook.trade_ticks import TradeTicks
from simulator.frame_generator import START_US, Generator, Plan
from simulator.generator.instruments import Instrument
from simulator.registry import choose, instrument
from tests.market.alerts.builders import RULES, engine
from tests.soak import soak
from venues.registry import open_builder
from venues.routing import route

KEY = "kraken:BTC/USD"
MINUTE_MS = 60_000
PLANTED = START_US // 1000 + 2 * MINUTE_MS


def rebuilt(instruments: Iterable[Instrument], minutes: int, seed: int = 1) -> dict[str, list[tuple[bytes, ...]]]:
    """Ticks, processed records and trades of each book, from the frames of a calm market."""
    generator = Generator(Plan(tuple(instruments), seed=seed))
    end_us, encode = START_US + 60_000_000 * minutes, msgspec.json.Encoder().encode
    builders, found = {}, {}
    for envelope in takewhile(lambda envelope: envelope.recv_us < end_us, generator):
        _, key = route(envelope.venue, envelope.channel, envelope.symbol)
        if key not in builders:
            builders[key], found[key] = open_builder(key, BookConfig()), ([], [], [])
        batch = builders[key].apply_all([encode(envelope)])
        for lines, more in zip(
            found[key], (batch.ticks + batch.trade_ticks, batch.processed, batch.trades), strict=True
        ):
            lines.extend(more)
    return found


def entered(ticks: Iterable[bytes], key: str = KEY) -> Counter[str]:
    """Number of episodes of each rule with the default thresholds."""
    made = engine(key, RuleTable(RULES))
    found = [msgspec.json.decode(line, type=Alert) for _, line in made.apply_all("orderbook.ticks", list(ticks)).alerts]
    return Counter(alert.rule for alert in found if alert.phase == "enter")


@lru_cache
def calm() -> tuple[list[Processed], list[Trade]]:
    """Three minutes of one book."""
    _, rows, trades = rebuilt((instrument("kraken", "BTC/USD"),), 3)[KEY]
    return [msgspec.json.decode(row, type=Processed) for row in rows], [
        msgspec.json.decode(trade, type=Trade) for trade in trades
    ]


def planted(change: Callable[[Processed, int], Processed]) -> Counter[str]:
    """Episodes of the calm book whose updates are changed; `change` gets an update and the time since the event, ms."""
    ticks = BookTicks("kraken", "BTC/USD", 30)
    ticks.apply([change(row, row.event_time - PLANTED) for row in calm()[0]], [])
    return entered(ticks.lines)


def test_a_calm_book_raises_nothing() -> None:
    assert planted(lambda row, ms: row) == Counter()


def test_a_spread_tripled_for_five_seconds_is_raised() -> None:
    usual = median(row.spread_bps or 0.0 for row in calm()[0])

    def wide(row: Processed, ms: int) -> Processed:
        return replace(row, spread_bps=3 * usual) if 0 <= ms < 5000 else row

    assert planted(wide) == Counter(["spread_widening"])


def test_a_wall_that_is_pulled_is_raised() -> None:
    def walled(row: Processed, ms: int) -> Processed:
        return replace(row, ask_depth=8 * row.ask_depth) if 0 <= ms < 1000 else row

    assert planted(walled) == Counter(["wall_vanished"])


def test_an_imbalance_that_is_held_is_raised() -> None:
    def heavy(row: Processed, ms: int) -> Processed:
        return replace(row, imbalance=0.6) if 0 <= ms < 15_000 else row

    assert planted(heavy)["extreme_imbalance"] == 1  # the book was heavy on the other side just before: a flip as well


def test_makers_who_leave_both_sides_for_a_second_are_raised() -> None:
    def thin(row: Processed, ms: int) -> Processed:
        depths = {"bid_depth": row.bid_depth / 5, "ask_depth": row.ask_depth / 5}
        return replace(row, **depths) if 0 <= ms < 1500 else row

    assert planted(thin)["liquidity_withdrawal"] == 1


@pytest.mark.parametrize(("levels", "raised"), [(5, Counter()), (8, Counter(["trade_sweep"]))])
def test_a_sweep_of_eight_levels_is_raised_and_one_of_five_is_not(levels: int, raised: Counter[str]) -> None:
    trades = calm()[1]
    first = next(trade for trade in trades if trade.event_time >= PLANTED)
    sweep = [replace(first, side="buy", price=first.price + level) for level in range(levels)]
    ticks = TradeTicks("kraken", "BTC/USD", 30)
    ticks.apply(sorted([*trades, *sweep], key=lambda trade: trade.event_time))
    assert entered(ticks.lines) == raised


@soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1, 2])
def test_an_hour_of_the_demo_raises_each_rule_at_most_once_a_book(seed: int) -> None:
    for key, (ticks, _, _) in rebuilt(choose(set(), set()), 60, seed).items():
        assert max(entered(ticks, key).values(), default=0) <= 1, key

"""What one frame costs in the domain: envelope in, metrics record out, with no Flink and no broker around it.

A frame is timed on its own (`Keeper.apply`: decode, sequence, apply, check, all metrics, encode), so that p99 means
something; `batched` is the same frames in batches of 50 with everything a batch adds: the top of the book, and the
journal entry. Frames are generated: 20 levels in a frame, ten a side; `*_40` has twenty a side. `kraken` is the
recorded mix (median one level) where `../shared/frames` is at hand, played by one keeper after another until it is as
long as the others. Of several passes the fastest counts: the others measure the neighbours.
"""

import gc
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import mean
from time import perf_counter_ns

import msgspec
from rich.console import Console
from rich.table import Table

from ingestion.generator import Generator, Plan
from ingestion.generator.instruments import default_symbols, instrument
from ingestion.generator.market import Shape
from ingestion.recordings import Recording
from market.keeper import Keeper, KeeperConfig, open_keeper
from market.records import Envelope
from market.topics import record_key

FRAMES = 4_000
BATCH = 50
PASSES = 9
REPEATS = 20  # of a recording of some 200 frames
DEPTHS = (50, 5_000)  # levels of a book, both sides together
BUDGETS_US = {"binance": 15.0, "binance_usdm": 15.0, "deribit": 15.0, "kraken": 15.0, "kraken_20": 35.0}
KRAKEN_RECORDING = "kraken/crypto-tracker_kraken_v2_book10_trade_BTCUSD_ETHUSD_20260802_prefix.jsonl"
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Cost:
    """Microseconds a frame."""

    mean_us: float
    p99_us: float
    batched_us: float


def generated(venue: str, touched: int, levels: int = 200, frames: int = FRAMES) -> list[bytes]:
    """Book frames of one symbol, snapshot first as the venue sends it; `touched` levels each, both sides together."""
    shape = Shape(levels=levels, touched=touched, trade_chance=0.0)
    plan = Plan((instrument(venue, default_symbols(venue)[0]),), shape=shape)
    return [_encode(envelope) for envelope in islice(Generator(plan), frames)]


def deepened(values: list[bytes], levels: int) -> list[bytes]:
    """The same updates on a book that starts with this many levels: those that are missing lie behind the others."""
    place = next(place for place, value in enumerate(values) if b'"channel":"snapshot"' in value[:80])
    envelope = msgspec.json.decode(values[place])
    for side, sign in (("bids", -1), ("asks", 1)):
        held = envelope["frame"][side]
        last = float(held[-1][0])
        held += [[f"{last + sign * rank:.8f}", "1.00000000"] for rank in range(1, levels // 2 - len(held) + 1)]
    return [*values[:place], _encode(envelope), *values[place + 1 :]]


def recorded_kraken(frames: Path) -> list[list[bytes]]:
    """The recording's book frames, by symbol; empty when it is not there."""
    path = frames / KRAKEN_RECORDING
    by_symbol: dict[str, list[bytes]] = {}
    for envelope in Recording(path, "kraken") if path.exists() else ():
        if envelope.channel.startswith("book"):
            by_symbol.setdefault(envelope.symbol, []).append(_encode(envelope))
    return list(by_symbol.values())


def cost(streams: Sequence[Sequence[bytes]], passes: int = PASSES) -> Cost:
    """The cost of frames, one list a key."""
    singles = [sorted(_each(streams)) for _ in range(passes)]
    best = min(singles, key=mean)
    batched = min(_batched(streams) for _ in range(passes))
    return Cost(round(mean(best), 2), round(best[int(len(best) * 0.99)], 2), round(batched, 2))


def _each(streams: Sequence[Sequence[bytes]]) -> Iterator[float]:
    gc.collect()  # not before each keeper: it empties the processor's caches, and a recording is short
    for values in streams:
        keeper = _open(values)
        for number, value in enumerate(values):
            start = perf_counter_ns()
            keeper.apply(value)
            yield (perf_counter_ns() - start) / 1000
            if not number % BATCH:
                keeper.apply_all(())
                keeper.journal()


def _batched(streams: Sequence[Sequence[bytes]]) -> float:
    spent = 0
    for values in streams:
        keeper = _open(values)
        for first in range(0, len(values), BATCH):
            batch = values[first : first + BATCH]
            start = perf_counter_ns()
            keeper.apply_all(batch)
            keeper.journal()
            spent += perf_counter_ns() - start
    return spent / sum(map(len, streams)) / 1000


def _open(values: Sequence[bytes]) -> Keeper:
    envelope = msgspec.json.decode(values[0], type=Envelope)
    keeper = open_keeper(record_key(envelope.venue, envelope.symbol), KeeperConfig())
    assert isinstance(keeper, Keeper)
    return keeper


def measure(frames: Path) -> dict[str, Cost | float]:
    """All figures of the report."""
    costs: dict[str, Cost | float] = {}
    for venue in ("binance", "binance_usdm", "deribit"):
        costs[venue] = cost([generated(venue, 20)])
        costs[f"{venue}_40"] = cost([generated(venue, 40)])
    costs["kraken"] = cost((recorded_kraken(frames) or [generated("kraken", 2, frames=200)]) * REPEATS)
    costs["kraken_20"] = cost([generated("kraken", 20)])
    costs["kraken_40"] = cost([generated("kraken", 40)])
    shallow, deep = (cost([deepened(generated("binance", 10, 25), levels)]).mean_us for levels in DEPTHS)
    costs["deep_ratio"] = round(deep / shallow, 3)
    return costs


def report(frames: Path) -> None:
    """Measure, print a table, and as the last line one JSON object."""
    costs = measure(frames)
    table = Table(title="Domain, µs per frame")
    for column in ("frames", "mean", "p99", "in batches of 50", "budget"):
        table.add_column(column, justify="left" if column == "frames" else "right")
    for name, value in costs.items():
        if isinstance(value, Cost):
            budget = f"{BUDGETS_US[name]:.0f}" if name in BUDGETS_US else ""
            table.add_row(name, f"{value.mean_us:.1f}", f"{value.p99_us:.1f}", f"{value.batched_us:.1f}", budget)
    table.add_row("5,000 levels against 50", f"{costs['deep_ratio']:.2f} times", "", "", "1.3 times")
    Console().print(table)
    print(json.dumps({name: vars(value) if isinstance(value, Cost) else value for name, value in costs.items()}))

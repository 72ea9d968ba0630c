"""Cost of one frame in the domain code: envelope in, metrics record out, without Flink and without a broker.

Each frame is timed alone (`BookBuilder.apply`: decode, sequence check, apply, verify, all metrics, encode), which gives
a meaningful 99th percentile. `batched` processes the same frames in batches of 50 and includes the work per batch: the
top of the book and the journal entry. Frames are generated with 20 levels, ten a side; `*_40` has twenty a side.
`kraken` is the recorded mix (median one level) where `../shared/frames` exists, replayed by one builder after another
until it is as long as the others. The fastest of several passes counts, since the others measure the load of other
processes.
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

from core.records import Envelope
from core.topics import record_key
from ingestion.recordings import Recording
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from simulator.frame_generator import Generator, Plan
from simulator.generator.market import MarketShape
from simulator.registry import default_symbols, instrument
from venues.registry import open_builder

FRAMES = 4_000
BATCH = 50
PASSES = 9
REPEATS = 20  # runs of a recording of some 200 frames
DEPTHS = (50, 5_000)  # levels of a book, both sides together
BUDGETS_US = {"binance": 15.0, "binance_usdm": 15.0, "deribit": 15.0, "kraken": 15.0, "kraken_20": 35.0}
KRAKEN_RECORDING = "kraken/crypto-tracker_kraken_v2_book10_trade_BTCUSD_ETHUSD_20260802_prefix.jsonl"
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Cost:
    """Microseconds per frame."""

    mean_us: float
    p99_us: float
    batched_us: float


def generated(venue: str, changed: int, levels: int = 200, frames: int = FRAMES) -> list[bytes]:
    """Book frames of one symbol, starting with the snapshot; `changed` levels each, both sides together."""
    shape = MarketShape(levels=levels, touched=changed, trade_chance=0.0)
    plan = Plan((instrument(venue, default_symbols(venue)[0]),), shape=shape)
    return [_encode(envelope) for envelope in islice(Generator(plan), frames)]


def with_book_depth(values: list[bytes], levels: int) -> list[bytes]:
    """The same updates on a book that starts with this many levels; the additional levels lie behind the others."""
    index = next(index for index, value in enumerate(values) if b'"channel":"snapshot"' in value[:80])
    envelope = msgspec.json.decode(values[index])
    for side, sign in (("bids", -1), ("asks", 1)):
        listed = envelope["frame"][side]
        last = float(listed[-1][0])
        listed += [[f"{last + sign * rank:.8f}", "1.00000000"] for rank in range(1, levels // 2 - len(listed) + 1)]
    return [*values[:index], _encode(envelope), *values[index + 1 :]]


def recorded_kraken(frames: Path) -> list[list[bytes]]:
    """Book frames of the recording, one list per symbol; empty if there is no recording."""
    path = frames / KRAKEN_RECORDING
    by_symbol: dict[str, list[bytes]] = {}
    for envelope in Recording(path, "kraken") if path.exists() else ():
        if envelope.channel.startswith("book"):
            by_symbol.setdefault(envelope.symbol, []).append(_encode(envelope))
    return list(by_symbol.values())


def cost(streams: Sequence[Sequence[bytes]], passes: int = PASSES) -> Cost:
    """Cost of the frames; `streams` has one list per key."""
    singles = [sorted(_each(streams)) for _ in range(passes)]
    best = min(singles, key=mean)
    batched = min(_batched(streams) for _ in range(passes))
    return Cost(round(mean(best), 2), round(best[int(len(best) * 0.99)], 2), round(batched, 2))


def _each(streams: Sequence[Sequence[bytes]]) -> Iterator[float]:
    gc.collect()  # not before each builder: it empties the processor's caches, and a recording is short
    for values in streams:
        builder = _open(values)
        for number, value in enumerate(values):
            start = perf_counter_ns()
            builder.apply(value)
            yield (perf_counter_ns() - start) / 1000
            if not number % BATCH:
                builder.apply_all(())
                builder.journal()


def _batched(streams: Sequence[Sequence[bytes]]) -> float:
    spent = 0
    for values in streams:
        builder = _open(values)
        for first in range(0, len(values), BATCH):
            batch = values[first : first + BATCH]
            start = perf_counter_ns()
            builder.apply_all(batch)
            builder.journal()
            spent += perf_counter_ns() - start
    return spent / sum(map(len, streams)) / 1000


def _open(values: Sequence[bytes]) -> BookBuilder:
    envelope = msgspec.json.decode(values[0], type=Envelope)
    builder = open_builder(record_key(envelope.venue, envelope.symbol), BookConfig())
    assert isinstance(builder, BookBuilder)
    return builder


def measure(frames: Path) -> dict[str, Cost | float]:
    """All figures of the report."""
    costs: dict[str, Cost | float] = {}
    for venue in ("binance", "binance_usdm", "deribit"):
        costs[venue] = cost([generated(venue, 20)])
        costs[f"{venue}_40"] = cost([generated(venue, 40)])
    costs["kraken"] = cost((recorded_kraken(frames) or [generated("kraken", 2, frames=200)]) * REPEATS)
    costs["kraken_20"] = cost([generated("kraken", 20)])
    costs["kraken_40"] = cost([generated("kraken", 40)])
    shallow, deep = (cost([with_book_depth(generated("binance", 10, 25), levels)]).mean_us for levels in DEPTHS)
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

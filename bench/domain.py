"""Cost of one frame in the domain code: envelope in, metrics record and ticks out, without Flink and without a broker.

`mean`, `p99`: each frame timed alone (`BookBuilder.apply`: decode, sequence check, apply, verify, all metrics, encode).
`batched`: the same frames in batches of 50. `ticks`, `journal`: its parts that come once a batch: ticks, windows and
the top of the book; the journal's entry. `ratio`: batches without their journal over the floor of the same frames
(`bench/floor.py`), timed one after the other in every pass, so that both run under the same load.

Frames are generated with 20 levels, ten a side, at 100 updates a second: every tenth closes a tick. `*_40` has twenty
levels a side; `*_slow` has ten updates a second, of which nearly every one closes a tick. `kraken` is the recorded mix
(median one level) where `../shared/frames` exists, replayed by one builder after another until it is as long as the
others. A time is that of the fastest of several passes, since slower ones measure other processes; a ratio is the
median of the passes.
"""

import gc
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import mean, median
from time import perf_counter_ns
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from bench.defaults import PASSES
from bench.floor import Floor, floor_of
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
RATE, SLOW_RATE = 100, 10  # updates per second
REPEATS = 20  # runs of a recording of some 200 frames
DEPTHS = (50, 5_000)  # levels of a book, both sides together
GOALS = {"binance": 4, "binance_usdm": 4, "deribit": 4, "kraken_20": 8}  # ratios to the floor
P99_GOAL_US = 100
KRAKEN_RECORDING = "kraken/crypto-tracker_kraken_v2_book10_trade_BTCUSD_ETHUSD_20260802_prefix.jsonl"
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Cost:
    """Microseconds per frame, and the ratio of a frame with its ticks to the floor."""

    mean_us: float
    p99_us: float
    batched_us: float
    ticks_us: float
    journal_us: float
    floor_us: float
    ratio: float


class Batched(NamedTuple):
    """Microseconds per frame of one pass in batches, by part."""

    apply_us: float
    ticks_us: float
    journal_us: float


def generated(venue: str, changed: int, levels: int = 200, frames: int = FRAMES, rate: float = RATE) -> list[bytes]:
    """Book frames of one symbol, starting with the snapshot; `changed` levels each, both sides together.

    `rate`: updates per second.
    """
    shape = MarketShape(levels=levels, touched=changed, trade_chance=0.0)
    plan = Plan((instrument(venue, default_symbols(venue)[0]),), rate=rate, shape=shape)
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
    """Cost of the frames; `streams` has one list per key, all of one venue."""
    floor = _floor(streams)
    singles, batches, floors = [], [], []
    for _ in range(passes):
        singles.append(sorted(_each(streams)))
        batches.append(_batched(streams))
        floors.append(floor.us())
    best, batched = min(singles, key=mean), min(batches, key=sum)
    ratio = median((each.apply_us + each.ticks_us) / us for each, us in zip(batches, floors, strict=True))
    p99_us = best[int(len(best) * 0.99)]
    parts = (sum(batched), batched.ticks_us, batched.journal_us, min(floors), ratio)
    return Cost(round(mean(best), 2), round(p99_us, 2), *(round(part, 2) for part in parts))


def _floor(streams: Sequence[Sequence[bytes]]) -> Floor:
    return floor_of(_envelope(streams[0][0]).venue, streams, [open_empty(values) for values in streams])


def _each(streams: Sequence[Sequence[bytes]]) -> Iterator[float]:
    gc.collect()  # not before each builder: it empties the processor's caches, and a recording is short
    for values in streams:
        builder = open_empty(values)
        for number, value in enumerate(values):
            start = perf_counter_ns()
            builder.apply(value)
            yield (perf_counter_ns() - start) / 1000
            if not number % BATCH:
                builder.apply_all(())
                builder.journal()


def _batched(streams: Sequence[Sequence[bytes]]) -> Batched:
    """One pass as the books job makes it: `apply_all` applies a batch and finishes it."""
    applied = finished = journaled = 0
    for values in streams:
        builder = open_empty(values)
        for first in range(0, len(values), BATCH):
            batch = values[first : first + BATCH]
            start = perf_counter_ns()
            for value in batch:
                builder.apply(value)
            after_apply = perf_counter_ns()
            builder.apply_all(())
            after_batch = perf_counter_ns()
            builder.journal()
            applied += after_apply - start
            finished += after_batch - after_apply
            journaled += perf_counter_ns() - after_batch
    frames = sum(map(len, streams)) * 1000
    return Batched(applied / frames, finished / frames, journaled / frames)


def _envelope(value: bytes) -> Envelope:
    return msgspec.json.decode(value, type=Envelope)


def open_empty(values: Sequence[bytes]) -> BookBuilder:
    """An empty builder of the key of these values."""
    envelope = _envelope(values[0])
    builder = open_builder(record_key(envelope.venue, envelope.symbol), BookConfig())
    assert isinstance(builder, BookBuilder)
    return builder


def measure(frames: Path, passes: int = PASSES) -> dict[str, Cost | float]:
    """All figures of the report."""
    costs: dict[str, Cost | float] = {}
    for venue in ("binance", "binance_usdm", "deribit"):
        costs[venue] = cost([generated(venue, 20)], passes)
        costs[f"{venue}_40"] = cost([generated(venue, 40)], passes)
    costs["binance_slow"] = cost([generated("binance", 20, rate=SLOW_RATE)], passes)
    costs["kraken"] = cost((recorded_kraken(frames) or [generated("kraken", 2, frames=200)]) * REPEATS, passes)
    costs["kraken_20"] = cost([generated("kraken", 20)], passes)
    costs["kraken_40"] = cost([generated("kraken", 40)], passes)
    shallow, deep = (cost([with_book_depth(generated("binance", 10, 25), levels)], passes).mean_us for levels in DEPTHS)
    costs["deep_ratio"] = round(deep / shallow, 3)
    return costs


def report(frames: Path, passes: int = PASSES) -> None:
    """Measure, print a table, and as the last line one JSON object."""
    costs = measure(frames, passes)
    table = Table(title="Domain, µs per frame")
    for column in ("frames", "mean", "p99", "batched", "ticks", "journal", "floor", "ratio", "goal"):
        table.add_column(column, justify="left" if column == "frames" else "right")
    for name, value in costs.items():
        if isinstance(value, Cost):
            figures = [f"{each:.1f}" for each in list(vars(value).values())[:-1]]
            table.add_row(name, *figures, f"{value.ratio:.2f}", f"≤ {GOALS[name]}" if name in GOALS else "")
    table.add_row("5,000 / 50 levels", f"{costs['deep_ratio']:.2f}", *[""] * 6, "≤ 1.3")
    table.caption = f"ratio: of a frame with its ticks to the floor. Goal of every p99: {P99_GOAL_US} µs."
    Console().print(table)
    print(json.dumps({name: vars(value) if isinstance(value, Cost) else value for name, value in costs.items()}))

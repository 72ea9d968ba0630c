"""`depthflow bench latency`: from the broker's stamp of a raw frame to that of its processed record, and to its commit.

One job receives frames at each rate in turn, for other books each time. All stamps are the broker's (LogAppendTime, in
ms), so neither sender nor reader takes part. A record is committed when the last stable offset of its partition has
passed it, which is observed every COMMIT_POLL_S.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.bare import books
from bench.jobs import prepare, running, temporary_topics
from bench.load import plan
from bench.paced import generate, send_paced, wait_until_processed
from bench.processor import US_PER_S, stack_parts, used_us
from bench.stamps import Matched, match, watched_commits
from core.settings import Settings
from core.topics import PROCESSED, RAW_BOOKS, RAW_TRADES

VENUE, LEVELS = "binance", 20
WARM_UP_S = 5.0
COLD_S = 20.0  # at the first rate: the JVM has compiled nothing yet

console = Console(stderr=True)


@dataclass(frozen=True)
class Percentiles:
    """Latencies of one rate in ms, without records that have no time (NaN)."""

    p50_ms: float
    p99_ms: float
    p999_ms: float

    @classmethod
    def of(cls, latencies_ms: NDArray[np.float64]) -> "Percentiles":
        return cls(*(round(float(each), 1) for each in np.nanpercentile(latencies_ms, [50, 99, 99.9])))


@dataclass(frozen=True)
class Sent:
    """Load of one rate: the rate that the sender reached, and the cores that broker and cluster used meanwhile."""

    per_s: float
    cores: float


@dataclass(frozen=True)
class Latency:
    """Result for one rate."""

    per_s: int
    sent: Sent
    uncommitted: Percentiles
    committed: Percentiles


def report(rates: Sequence[int], seconds: float, symbols: int, flink_options: list[str]) -> None:
    """Measure, print a table, and as the last line one JSON object."""
    measured = measure(rates, seconds, symbols, flink_options)
    table = Table(title=f"Latency broker to broker in ms, {symbols} books, {LEVELS} levels a frame, exactly-once")
    for heading in ("frames/s", "sent/s", "cores", "p50", "p99", "p99.9", "committed p50", "p99", "p99.9"):
        table.add_column(heading, justify="right")
    for each in measured:
        figures = (*asdict(each.uncommitted).values(), *asdict(each.committed).values())
        load = f"{each.per_s:,}", f"{each.sent.per_s:,.0f}", f"{each.sent.cores:.2f}"
        table.add_row(*load, *(f"{figure:,.0f}" for figure in figures))
    Console().print(table)
    print(json.dumps({str(each.per_s): asdict(each) for each in measured}))


def measure(rates: Sequence[int], seconds: float, symbols: int, flink_options: list[str]) -> list[Latency]:
    """Latencies at each rate. Raises SubmitError when the cluster cannot run the job, Stalled when it stands still."""
    settings, wanted = prepare("books", options=flink_options), [RAW_BOOKS, RAW_TRADES, *books().output_topics]
    wanted[wanted.index(PROCESSED)] = replace(PROCESSED, broker_time=True)
    with temporary_topics(settings, settings.topic_prefix, wanted=wanted):
        with running(settings, "books", flink_options), watched_commits(settings, PROCESSED) as commits:
            sent = [_send(settings, rate, seconds, symbols, number) for number, rate in enumerate(rates)]
        matched = match(settings, commits)
    groups = np.array([_symbol_number(key) // symbols for key in matched.keys])
    return [
        latency_of(rate, load, matched.of(groups == number), WARM_UP_S if number else COLD_S)
        for number, (rate, load) in enumerate(zip(rates, sent, strict=True))
    ]


def _send(settings: Settings, per_s: int, seconds: float, symbols: int, number: int) -> Sent:
    """Send frames of books that no other rate has, and wait until they are processed."""
    warm_up_s = WARM_UP_S if number else COLD_S
    with console.status(f"generating frames for {per_s:,} a second"):
        count = int(per_s * (warm_up_s + seconds))
        frames = generate(plan(VENUE, symbols, LEVELS, per_s / symbols, number * symbols), count)
    with console.status(f"{per_s:,} frames/s for {warm_up_s + seconds:g} s"):
        warm_up = int(per_s * warm_up_s)
        send_paced(settings, frames[:warm_up], per_s)
        before, start = _processor_s(settings), time.monotonic()
        sent_per_s = send_paced(settings, frames[warm_up:], per_s)
        cores = (_processor_s(settings) - before) / (time.monotonic() - start)
        wait_until_processed(settings)
    return Sent(round(sent_per_s, 1), round(cores, 3))


def _processor_s(settings: Settings) -> float:
    """Processor time of the stack's broker and cluster so far."""
    return sum(map(used_us, stack_parts(settings.home).values())) / US_PER_S


def latency_of(per_s: int, sent: Sent, matched: Matched, warm_up_s: float) -> Latency:
    measured = matched.of(matched.sent_ms >= matched.sent_ms.min() + warm_up_s * 1000)
    uncommitted = Percentiles.of(measured.appended_ms - measured.sent_ms)
    return Latency(per_s, sent, uncommitted, Percentiles.of(measured.committed_ms - measured.sent_ms))


def _symbol_number(key: str) -> int:
    """Number of a generated symbol, such as 7 of `binance:COIN7`."""
    return int(key.rpartition("COIN")[2])

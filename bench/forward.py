"""`depthflow bench forward`: what a frame costs on its way from a local socket to the broker's acknowledgement."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from uuid import uuid4

import msgspec
from kafka.admin import KafkaAdminClient
from rich.console import Console
from rich.table import Table

from bench.forwarding import PRODUCERS, Measured
from ingestion.topics import ensure_topics
from market.errors import UserError
from market.kafka import python_client
from market.settings import Settings
from market.topics import RAW_BOOKS

PACED_PER_S = 5_000
PACED_S = 5

console = Console()


@contextmanager
def topics(settings: Settings) -> Iterator[str]:
    """A raw topic of this run's own; yields the prefix of its name."""
    prefix = f"bench-{uuid4().hex[:6]}-"
    ensure_topics(
        settings.kafka_bootstrap_servers, settings.topic_partitions, (RAW_BOOKS,), prefix, python_client(settings)
    )
    try:
        yield prefix
    finally:
        admin = KafkaAdminClient(**python_client(settings))
        admin.delete_topics([prefix + RAW_BOOKS.name])
        admin.close()


def run(kind: str, frames: int, per_s: float, prefix: str) -> Measured:
    """One forwarder in a process of its own, against a sender in another."""
    sender = [sys.executable, "-m", "bench.firehose", str(frames), str(per_s)]
    with TemporaryDirectory() as folder, subprocess.Popen(sender, stdout=subprocess.PIPE, text=True) as hose:
        try:
            assert hose.stdout is not None
            port, symbols = hose.stdout.readline().split()
            worker = [sys.executable, "-m", "bench.forwarding", kind, str(frames), port, symbols, prefix, folder]
            done = subprocess.run(worker, capture_output=True, text=True)
        finally:
            hose.terminate()
    if done.returncode:
        raise UserError(f"the measured forwarder failed: {done.stderr.strip().splitlines()[-1]}")
    return msgspec.json.decode(done.stdout, type=Measured)


def report(frames: int) -> None:
    """Print the table, and the figures of the default producer as one JSON line."""
    settings = Settings()
    table = Table("producer", "frames/s", "frames/s a core", "CPU s per million", "ack p50 ms", "ack p99 ms")
    rows = {}
    with topics(settings) as prefix:
        for kind in PRODUCERS:
            with console.status(f"{kind}: {frames:,} frames as fast as they go"):
                full = run(kind, frames, 0, prefix)
            with console.status(f"{kind}: {PACED_PER_S:,} frames/s for {PACED_S} s"):
                paced = run(kind, PACED_PER_S * PACED_S, PACED_PER_S, prefix)
            rows[kind] = figures(full, paced)
            table.add_row(
                kind, *(f"{value:,.1f}" if value < 1000 else f"{value:,.0f}" for value in rows[kind].values())
            )
    console.print(table)
    console.print(f"20-level frames of 10 symbols over one socket; latency at {PACED_PER_S:,} frames/s", style="dim")
    print(json.dumps({name: round(value, 2) for name, value in rows[PRODUCERS[0]].items()}))


def figures(full: Measured, paced: Measured) -> dict[str, float]:
    """Throughput of the one, latency of the other."""
    return {
        "frames_per_s": full.frames / full.seconds,
        "frames_per_core_s": full.frames / full.cpu_s,
        "cpu_s_per_million": full.cpu_s / full.frames * 1e6,
        "ack_p50_ms": paced.ack_p50_ms,
        "ack_p99_ms": paced.ack_p99_ms,
    }

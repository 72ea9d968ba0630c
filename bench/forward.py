"""`depthflow bench forward`: what a frame costs on its way from a local socket to the broker's acknowledgement."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import msgspec
from kafka.admin import KafkaAdminClient
from rich.console import Console
from rich.table import Table

from bench.forwarding import PRODUCERS, Measured
from bench.peer import PeerError, peer_python
from ingestion.topics import ensure_topics
from market.errors import UserError
from market.kafka import python_client
from market.settings import Settings
from market.topics import RAW_BOOKS

PACED_PER_S = 5_000
PACED_S = 10
PACED_SHARE = 0.5  # of what it does at most, for a way that does not do PACED_PER_S with ease
WARM_UP_S = 2.0  # of a paced run: the first records of a topic and of a client take far longer than those that follow
PEER_SHARE = 10  # one frame in so many is sent to the peer, which is that much slower

console = Console()


@dataclass(frozen=True)
class Way:
    """From socket to broker: the command that measures it, given frames, warm-up, port, symbols and a folder."""

    name: str
    frames: int
    command: Callable[[int, float, str, str, str], list[str]]


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


def ours(kind: str, frames: int, prefix: str) -> Way:
    """The forwarder, with one of the producers."""
    return Way(
        kind,
        frames,
        lambda frames, warm_up_s, port, symbols, folder: [
            *(sys.executable, "-m", "bench.forwarding", kind),
            *(str(frames), str(warm_up_s), port, symbols, prefix, folder),
        ],
    )


def peers(settings: Settings, frames: int, prefix: str) -> Iterator[Way]:
    """cryptofeed's raw path, where it can be installed."""
    try:
        with console.status("cryptofeed: an environment of its own, made once"):
            python = peer_python(settings.flink_home.parent)
    except PeerError as error:
        console.print(f"{error}; it is left out", highlight=False, soft_wrap=True)
        return
    script, topic = str(Path(__file__).with_name("cryptofeed_raw.py")), prefix + RAW_BOOKS.name
    yield Way(
        "cryptofeed, raw",
        frames // PEER_SHARE,
        lambda frames, warm_up_s, port, symbols, folder: [
            *(str(python), script, str(frames), str(warm_up_s)),
            *(port, symbols, settings.kafka_bootstrap_servers, topic),
        ],
    )


def run(way: Way, frames: int, per_s: float, warm_up_s: float) -> Measured:
    """One path in a process of its own, against a sender in another. Raises UserError when it fails."""
    sender = [sys.executable, "-m", "bench.firehose", str(frames), str(per_s)]
    with TemporaryDirectory() as folder, subprocess.Popen(sender, stdout=subprocess.PIPE, text=True) as hose:
        try:
            assert hose.stdout is not None
            port, symbols = hose.stdout.readline().split()
            done = subprocess.run(way.command(frames, warm_up_s, port, symbols, folder), capture_output=True, text=True)
        finally:
            hose.terminate()
    if done.returncode:
        raise UserError(f"{way.name}: the measured process failed: {done.stderr.strip().splitlines()[-1]}")
    return msgspec.json.decode(done.stdout, type=Measured)


def measure(way: Way) -> dict[str, float]:
    """Throughput of a run at full speed, latency of a paced one."""
    with console.status(f"{way.name}: {way.frames:,} frames as fast as they go"):
        full = run(way, way.frames, 0, 0)
    per_s = min(PACED_PER_S, PACED_SHARE * full.frames / full.seconds)
    with console.status(f"{way.name}: {per_s:,.0f} frames/s for {PACED_S} s"):
        paced = run(way, int(per_s * PACED_S), per_s, WARM_UP_S)
    return {
        "frames_per_s": full.frames / full.seconds,
        "frames_per_core_s": full.frames / full.cpu_s,
        "cpu_s_per_million": full.cpu_s / full.frames * 1e6,
        "paced_frames_per_s": per_s,
        "ack_p50_ms": paced.ack_p50_ms,
        "ack_p99_ms": paced.ack_p99_ms,
    }


def report(frames: int) -> None:
    """Print the table, and the figures of the default producer as one JSON line."""
    settings = Settings()
    table = Table()
    table.add_column("", no_wrap=True)
    for heading in ("frames/s", "frames/s a core", "CPU s per million", "at frames/s", "ack p50 ms", "ack p99 ms"):
        table.add_column(heading, justify="right")
    rows = {}
    with topics(settings) as prefix:
        for way in (*(ours(kind, frames, prefix) for kind in PRODUCERS), *peers(settings, frames, prefix)):
            rows[way.name] = figures = measure(way)
            table.add_row(way.name, *(f"{each:,.1f}" if each < 1000 else f"{each:,.0f}" for each in figures.values()))
    console.print(table)
    console.print("20-level frames of 10 symbols over one socket; acks=all, idempotent, lz4", style="dim")
    print(json.dumps({name: round(value, 2) for name, value in rows[PRODUCERS[0]].items()}))

"""`depthflow bench forward`: cost of one frame from a local socket to the broker's acknowledgement."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import msgspec
from kafka.admin import KafkaAdminClient
from rich.console import Console
from rich.table import Table

from bench.children import child, end_with_parent
from bench.forwarding import PRODUCERS, Measured
from bench.peer import CRYPTOFEED, PeerError, peer_python
from core.errors import UserError
from core.kafka_client import python_client_options
from core.settings import Settings
from core.topics import RAW_BOOKS, Topic
from ingestion.topics import ensure_topics

PACED_PER_S = 5_000
PACED_S = 10
PACED_SHARE = 0.5  # share of the maximum rate, for a pipeline that cannot sustain PACED_PER_S
WARM_UP_S = 2.0  # start of a paced run: the first records of a topic and of a client take far longer than later ones
PEER_SHARE = 10  # cryptofeed receives one frame in so many, because it is about that much slower

BARE = "bare loop, kafka-python"
HEADINGS = ("frames/s", "frames/s per core", "CPU s per million", "at frames/s", "ack p50 ms", "ack p99 ms")

console = Console()


@dataclass(frozen=True)
class Pipeline:
    """A pipeline from socket to broker. `command` takes frames, warm-up (s), port, symbols and a folder."""

    name: str
    frames: int
    command: Callable[[int, float, str, str, str], list[str]]


@contextmanager
def topics(settings: Settings, wanted: Sequence[Topic] = (RAW_BOOKS,)) -> Iterator[str]:
    """Create topics for this run and delete them afterwards; yields the prefix of their names."""
    prefix = f"bench-{uuid4().hex[:6]}-"
    ensure_topics(
        settings.kafka_bootstrap_servers,
        settings.topic_partitions,
        wanted,
        prefix,
        python_client_options(settings),
    )
    try:
        yield prefix
    finally:
        admin = KafkaAdminClient(**python_client_options(settings))
        admin.delete_topics([prefix + topic.name for topic in wanted])
        admin.close()


def forwarder_pipeline(kind: str, frames: int, prefix: str) -> Pipeline:
    """The forwarder with one of PRODUCERS."""
    return Pipeline(
        kind,
        frames,
        lambda frames, warm_up_s, port, symbols, folder: [
            *(sys.executable, "-m", "bench.forwarding", kind),
            *(str(frames), str(warm_up_s), port, symbols, prefix, folder),
        ],
    )


def bare_pipeline(settings: Settings, frames: int, prefix: str) -> Pipeline:
    """A loop from websockets to kafka-python."""
    return Pipeline(
        BARE,
        frames,
        lambda frames, warm_up_s, port, symbols, folder: [
            *(sys.executable, "-m", "bench.bare_forward", str(frames), str(warm_up_s)),
            *(port, symbols, settings.kafka_bootstrap_servers, prefix + RAW_BOOKS.name),
        ],
    )


def cryptofeed_pipelines(settings: Settings, frames: int, prefix: str) -> Iterator[Pipeline]:
    """cryptofeed's raw path, if it can be installed."""
    try:
        with console.status("cryptofeed: creating its environment, once"):
            python = peer_python(settings.flink_home.parent, CRYPTOFEED)
    except PeerError as error:
        console.print(f"{error}; it is skipped", highlight=False, soft_wrap=True)
        return
    script, topic = str(Path(__file__).with_name("cryptofeed_raw.py")), prefix + RAW_BOOKS.name
    yield Pipeline(
        "cryptofeed, raw",
        frames // PEER_SHARE,
        lambda frames, warm_up_s, port, symbols, folder: [
            *(str(python), script, str(frames), str(warm_up_s)),
            *(port, symbols, settings.kafka_bootstrap_servers, topic),
        ],
    )


def run(pipeline: Pipeline, frames: int, per_s: float, warm_up_s: float) -> Measured:
    """Run a pipeline in one process and the sender in another. Raises UserError if the pipeline fails."""
    sender = [sys.executable, "-m", "bench.firehose", str(frames), str(per_s)]
    with TemporaryDirectory() as folder, child(sender, stdout=subprocess.PIPE) as firehose:
        assert firehose.stdout is not None
        port, symbols = firehose.stdout.readline().decode().split()
        command = pipeline.command(frames, warm_up_s, port, symbols, folder)
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=end_with_parent)
    if done.returncode:
        raise UserError(f"{pipeline.name}: the measured process failed: {done.stderr.strip().splitlines()[-1]}")
    return msgspec.json.decode(done.stdout, type=Measured)


def measure(pipeline: Pipeline) -> dict[str, float]:
    """Throughput of a run at full speed and latency of a paced run."""
    with console.status(f"{pipeline.name}: {pipeline.frames:,} frames at full speed"):
        full = run(pipeline, pipeline.frames, 0, 0)
    per_s = min(PACED_PER_S, PACED_SHARE * full.frames / full.seconds)
    with console.status(f"{pipeline.name}: {per_s:,.0f} frames/s for {PACED_S} s"):
        paced = run(pipeline, int(per_s * PACED_S), per_s, WARM_UP_S)
    return {
        "frames_per_s": full.frames / full.seconds,
        "frames_per_core_s": full.frames / full.cpu_s,
        "cpu_s_per_million": full.cpu_s / full.frames * 1e6,
        "paced_frames_per_s": per_s,
        "ack_p50_ms": paced.ack_p50_ms,
        "ack_p99_ms": paced.ack_p99_ms,
    }


def report(frames: int) -> None:
    """Print the table, and the results of the default producer as one JSON line."""
    rows = measure_all(frames)
    table = Table()
    table.add_column("", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for name, results in rows.items():
        table.add_row(name, *(f"{each:,.1f}" if each < 1000 else f"{each:,.0f}" for each in results.values()))
    console.print(table)
    console.print("20-level frames of 10 symbols over one socket; acks=all, idempotent, lz4", style="dim")
    figures = rows[PRODUCERS[0]] | ratios(rows)
    console.print(
        f"of the bare loop: {figures['ratio']:.2f} of its rate, {figures['cpu_ratio']:.2f} of its processor time"
    )
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


def measure_all(frames: int) -> dict[str, dict[str, float]]:
    """Results of the bare loop, of the forwarder with each producer, and of cryptofeed where it can be installed."""
    settings = Settings()
    with topics(settings) as prefix:
        pipelines = (
            bare_pipeline(settings, frames, prefix),
            *(forwarder_pipeline(kind, frames, prefix) for kind in PRODUCERS),
            *cryptofeed_pipelines(settings, frames, prefix),
        )
        return {pipeline.name: measure(pipeline) for pipeline in pipelines}


def ratios(rows: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Rate and processor time a frame of the forwarder with the bare loop's producer, over those of the bare loop."""
    ours, bare = rows[PRODUCERS[0]], rows[BARE]
    return {
        "ratio": ours["frames_per_s"] / bare["frames_per_s"],
        "cpu_ratio": ours["cpu_s_per_million"] / bare["cpu_s_per_million"],
    }

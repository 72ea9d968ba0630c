"""Pipelines from a local socket to the broker that `bench forward` measures, each in a process of its own."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import msgspec
from kafka.admin import KafkaAdminClient
from rich.console import Console

from bench.children import child, end_with_parent
from bench.forwarding import Measured
from bench.peer import CRYPTOFEED, PeerError, peer_python
from core.errors import UserError
from core.kafka_client import python_client_options
from core.settings import Settings
from core.topics import RAW_BOOKS, Topic
from ingestion.topics import ensure_topics

PEER_SHARE = 10  # cryptofeed receives one frame in so many, because it is about that much slower
BARE = "bare loop, kafka-python"

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

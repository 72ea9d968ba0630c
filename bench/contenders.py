"""Pipelines that `bench peers` compares. Each reads the same raw topics, and writes processed records to its own."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bench.children import child
from bench.jobs import running, running_program
from bench.peer import Peer, PeerError, peer_python
from core.resources import ROOT
from core.settings import Settings
from core.topics import PROCESSED, RAW_BOOKS, RAW_TRADES

QUIX = Peer("quix", ("quixstreams==3.28.1", "msgspec>=0.18", "numpy>=1.26", "scipy>=1.14"))
JAVA = Path(__file__).with_name("peers") / "java"
Processes = Sequence[psutil.Process]
Start = Callable[[Settings, str, int], AbstractContextManager[Processes]]  # settings of the round, sink prefix, records


@dataclass(frozen=True)
class Contender:
    """One pipeline. `share`: of the frames that it processes, smaller for a slow one. `makes`: its records."""

    name: str
    makes: str
    share: float
    start: Start


def contenders(settings: Settings, parallelism: int, on_missing: Callable[[str], None]) -> list[Contender]:
    """Every pipeline that can be installed; `on_missing` gets the reason why another cannot."""
    home, options = settings.flink_home.parent, [f"--parallelism={parallelism}"]
    found = [Contender("bare loop", "all", 1.0, bare_loop), Contender("books job", "all", 1.0, books_job(options))]
    try:
        found.append(Contender("Java Flink", "processed", 1.0, java_job(build_java(home), options)))
    except PeerError as error:
        on_missing(str(error))
    naive = ["-Dpython.execution-mode=process", *options]
    found.append(Contender("naive PyFlink", "processed", 0.1, naive_job(naive)))
    try:
        found.append(Contender("Quix Streams", "processed", 0.1, quix(peer_python(home, QUIX))))
    except PeerError as error:
        on_missing(str(error))
    return found


@contextmanager
def bare_loop(settings: Settings, sink: str, records: int) -> Iterator[Processes]:
    """The baseline in a process of its own."""
    servers, source = settings.kafka_bootstrap_servers, settings.topic_prefix
    with child([sys.executable, "-m", "bench.bare", servers, source, sink, str(records)]) as loop:
        yield [psutil.Process(loop.pid)]


def books_job(options: Sequence[str]) -> Start:
    """The books job; it writes to the prefix that it reads from."""

    @contextmanager
    def start(settings: Settings, sink: str, records: int) -> Iterator[Processes]:
        with running(settings, "books", [*options]):
            yield []

    return start


def naive_job(options: Sequence[str]) -> Start:
    """PyFlink with a call for each frame."""

    @contextmanager
    def start(settings: Settings, sink: str, records: int) -> Iterator[Processes]:
        script = str(ROOT / "bench" / "peers" / "naive_pyflink.py")
        program = ["--python", script, settings.topic_prefix + RAW_BOOKS.name, sink + PROCESSED.name]
        with running_program(settings, "naive", [*options], program):
            yield []

    return start


def java_job(jar: Path, options: Sequence[str]) -> Start:
    """Flink in Java."""

    @contextmanager
    def start(settings: Settings, sink: str, records: int) -> Iterator[Processes]:
        topics = settings.topic_prefix + RAW_BOOKS.name, sink + PROCESSED.name
        timeout_ms = str(1000 * settings.transaction_timeout_s)
        program = [str(jar), settings.kafka_bootstrap_servers, *topics, f"{settings.topic_prefix}java", timeout_ms]
        with running_program(settings, "java", [*options], program):
            yield []

    return start


def quix(python: Path) -> Start:
    """Quix Streams in its environment, with its state in a temporary folder."""

    @contextmanager
    def start(settings: Settings, sink: str, records: int) -> Iterator[Processes]:
        topics = settings.topic_prefix + RAW_BOOKS.name, sink + PROCESSED.name
        with TemporaryDirectory() as folder:
            command = [str(python), "-m", "bench.peers.quix", settings.kafka_bootstrap_servers, *topics, folder]
            with child(command, PYTHONPATH=str(ROOT)) as loop:
                yield [psutil.Process(loop.pid)]

    return start


def build_java(home: Path) -> Path:
    """The jar of the Java job, built by Maven below the stack's folder. Raises PeerError with Maven's reason."""
    folder = home.absolute() / "peers" / "java"
    maven = shutil.which("mvn")
    if maven is None or shutil.which("javac") is None:
        raise PeerError("the Java job cannot be built: Maven and a JDK are needed")
    shutil.copytree(JAVA, folder, dirs_exist_ok=True)
    command = [maven, "--quiet", "--batch-mode", "--file", str(folder / "pom.xml"), "package"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise PeerError(f"the Java job cannot be built: {lines[0] if lines else 'Maven failed'}")
    return folder / "target" / "books-peer.jar"


def raw_topics(prefix: str) -> list[str]:
    """Names of the topics that the pipelines read."""
    return [prefix + RAW_BOOKS.name, prefix + RAW_TRADES.name]

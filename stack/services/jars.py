"""The jars that no Python package contains: downloaded once by Maven coordinates, then used without a network.

They lie in the user's cache folder, which all stacks of this user share, including those of the tests.
"""

import fcntl
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from core.certificates import jgo_trusts_the_system
from stack.services.errors import StackError

KAFKA_VERSION = "4.2.0"
KAFKA = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",)
# Not among Kafka's own dependencies; without it the broker writes no log.
KAFKA_LOG = ("org.apache.logging.log4j:log4j-slf4j-impl:2.25.3",)
FLINK_LIB = (
    "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2",
    "org.apache.flink:flink-connector-jdbc-core:4.0.0-2.0",
    "org.apache.flink:flink-connector-jdbc-postgres:4.0.0-2.0",
    "org.postgresql:postgresql:42.7.14",
)
FLINK_OPT = ("org.apache.flink:flink-sql-gateway:2.2.1",)
PLANNER = "flink-table-planner.jar"
METRICS_AGENT = ("io.prometheus.jmx:jmx_prometheus_javaagent:1.0.1",)

DownloadProgress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def kafka_jars(progress: DownloadProgress | None = None) -> list[Path]:
    """Every jar of the broker, including dependencies."""
    folders = _ensure("kafka", KAFKA, True, progress), _ensure("kafka-log", KAFKA_LOG, False, progress)
    return sorted(jar for folder in folders for jar in folder.glob("*.jar"))


def flink_lib_jars(progress: DownloadProgress | None = None) -> list[Path]:
    """The connectors without their dependencies, which would shadow the distribution in Flink's lib."""
    return sorted(_ensure("flink-lib", FLINK_LIB, False, progress).glob("*.jar"))


def flink_opt_jars(progress: DownloadProgress | None = None) -> list[Path]:
    """Jars of the distribution's `opt` that the Python package leaves out."""
    return sorted(_ensure("flink-opt", FLINK_OPT, False, progress).glob("*.jar"))


def flink_planner(loader: Path) -> Path:
    """The jar of Flink's SQL planner, unpacked once from that of its loader."""

    def unpack(staging: Path) -> None:
        with zipfile.ZipFile(loader) as packed:
            packed.extract(PLANNER, staging)

    return _made_once(cache_folder() / f"flink-planner__{loader.stem}", unpack) / PLANNER


def metrics_agent(progress: DownloadProgress | None = None) -> Path:
    """The Java agent that serves a JVM's metrics to Prometheus."""
    return next(_ensure("metrics-agent", METRICS_AGENT, False, progress).glob("*.jar"))


def fetch_all(progress: DownloadProgress | None = None) -> None:
    """Download every jar that is missing."""
    kafka_jars(progress), flink_lib_jars(progress), flink_opt_jars(progress)


def cache_folder() -> Path:
    """Folder of the jars."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "depthflow" / "jars"


def missing() -> list[str]:
    """Coordinates that still have to be downloaded."""
    parts = (("kafka", KAFKA), ("kafka-log", KAFKA_LOG), ("flink-lib", FLINK_LIB), ("flink-opt", FLINK_OPT))
    return [
        coordinate
        for name, coordinates in parts
        if not _part_folder(name, coordinates).exists()
        for coordinate in coordinates
    ]


def _part_folder(name: str, coordinates: Iterable[str]) -> Path:
    """Folder of one part. Its name contains the versions, so that a new version gets a new folder."""
    versions = "_".join(coordinate.rsplit(":", 1)[1] for coordinate in coordinates)
    return cache_folder() / f"{name}__{versions}"


def _ensure(name: str, coordinates: tuple[str, ...], transitive: bool, progress: DownloadProgress | None) -> Path:
    def download(staging: Path) -> None:
        for jar in _fetch(coordinates, transitive, progress):
            shutil.copy2(jar, staging / jar.name)

    return _made_once(_part_folder(name, coordinates), download)


def _made_once(folder: Path, fill: Callable[[Path], None]) -> Path:
    """The folder, filled by the first process that needs it."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _exclusive(folder.parent):
            if not folder.exists():
                _make(folder, fill)
    return folder


@contextmanager
def _exclusive(cache: Path) -> Iterator[None]:
    """Lock of the cache: one process fills a folder at a time, and those that waited find its files."""
    with open(cache / ".lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(folder: Path, fill: Callable[[Path], None]) -> None:
    staging = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fill(staging)
        staging.chmod(0o755)
        staging.rename(folder)  # atomic: an interrupted download leaves no folder of that name
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fetch(coordinates: tuple[str, ...], transitive: bool, progress: DownloadProgress | None) -> list[Path]:
    from jgo.maven import MavenContext, PythonResolver
    from requests import RequestException

    context = MavenContext(resolver=PythonResolver(progress_callback=progress), timeout=60)
    try:
        with jgo_trusts_the_system():
            return [_intact_file(artifact) for artifact in _artifacts(context, coordinates, transitive)]
    except (RequestException, RuntimeError, OSError) as error:
        raise StackError(
            f"Cannot download {', '.join(coordinates)}",
            "The first start needs the network (or a filled Maven repository folder); later starts do not",
            str(error),
        ) from error


def _artifacts(context: Any, coordinates: tuple[str, ...], transitive: bool) -> list[Any]:
    requested = []
    for coordinate in coordinates:
        group, artifact, version = coordinate.split(":")
        requested.append(context.project(group, artifact).at_version(version).artifact())
    if not transitive:
        return requested
    from jgo.maven import Dependency

    direct, transitives = context.resolver.resolve([Dependency(artifact) for artifact in requested])
    return [dependency.artifact for dependency in (*direct, *transitives)]


def _intact_file(artifact: Any) -> Path:
    """The artifact's file, downloaded once more if an earlier download was incomplete."""
    path = Path(artifact.resolve())
    if not zipfile.is_zipfile(path):
        path.unlink()
        path = Path(artifact.resolve())
    return path

"""The jars that no Python package brings: fetched once by Maven coordinates, then used without a network.

They are kept in the user's cache folder, so that every stack of this user, those of the tests included, shares them.
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

from stack.errors import StackError

KAFKA_VERSION = "4.2.0"
KAFKA = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",)
KAFKA_LOG = (
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.3",
)  # not among Kafka's own dependencies: no log without it
FLINK_LIB = (
    "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2",
    "org.apache.flink:flink-connector-jdbc-core:4.0.0-2.0",
    "org.apache.flink:flink-connector-jdbc-postgres:4.0.0-2.0",
    "org.postgresql:postgresql:42.7.14",
)
FLINK_OPT = ("org.apache.flink:flink-sql-gateway:2.2.1",)

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def kafka_jars(progress: Progress | None = None) -> list[Path]:
    """Every jar of the broker, dependencies included."""
    folders = _folder("kafka", KAFKA, True, progress), _folder("kafka-log", KAFKA_LOG, False, progress)
    return sorted(jar for folder in folders for jar in folder.glob("*.jar"))


def flink_lib_jars(progress: Progress | None = None) -> list[Path]:
    """The connectors, and nothing they depend on: in Flink's lib that would shadow the distribution."""
    return sorted(_folder("flink-lib", FLINK_LIB, False, progress).glob("*.jar"))


def flink_opt_jars(progress: Progress | None = None) -> list[Path]:
    """What the distribution has in `opt` and the Python package leaves out."""
    return sorted(_folder("flink-opt", FLINK_OPT, False, progress).glob("*.jar"))


def fetch_all(progress: Progress | None = None) -> None:
    """Make sure that every jar is here."""
    kafka_jars(progress), flink_lib_jars(progress), flink_opt_jars(progress)


def cache_folder() -> Path:
    """Where the jars are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "depthflow" / "jars"


def missing() -> list[str]:
    """Coordinates that still have to be fetched."""
    parts = (("kafka", KAFKA), ("kafka-log", KAFKA_LOG), ("flink-lib", FLINK_LIB), ("flink-opt", FLINK_OPT))
    return [coordinate for name, wanted in parts if not _complete(name, wanted).exists() for coordinate in wanted]


def _complete(name: str, coordinates: Iterable[str]) -> Path:
    """The folder of one part; its name carries the versions, so that a new version is a new folder."""
    versions = "_".join(coordinate.rsplit(":", 1)[1] for coordinate in coordinates)
    return cache_folder() / f"{name}__{versions}"


def _folder(name: str, coordinates: tuple[str, ...], transitive: bool, progress: Progress | None) -> Path:
    folder = _complete(name, coordinates)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _turn(folder.parent):
            if not folder.exists():
                _fill(folder, coordinates, transitive, progress)
    return folder


@contextmanager
def _turn(cache: Path) -> Iterator[None]:
    """One process at a time fetches; who has waited finds what the other has fetched."""
    with open(cache / ".lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fill(folder: Path, coordinates: tuple[str, ...], transitive: bool, progress: Progress | None) -> None:
    staging = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for jar in _fetch(coordinates, transitive, progress):
            shutil.copy2(jar, staging / jar.name)
        staging.chmod(0o755)
        staging.rename(folder)  # complete or absent: an interrupted download leaves nothing that looks whole
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fetch(coordinates: tuple[str, ...], transitive: bool, progress: Progress | None) -> list[Path]:
    from jgo.maven import MavenContext, PythonResolver
    from requests import RequestException

    context = MavenContext(resolver=PythonResolver(progress_callback=progress), timeout=60)
    try:
        return [_whole(artifact) for artifact in _artifacts(context, coordinates, transitive)]
    except (RequestException, RuntimeError, OSError) as error:
        raise StackError(
            f"Cannot fetch {', '.join(coordinates)}",
            "The first start needs the network (or a filled Maven repository folder); later ones do not",
            str(error),
        ) from error


def _artifacts(context: Any, coordinates: tuple[str, ...], transitive: bool) -> list[Any]:
    named = []
    for coordinate in coordinates:
        group, artifact, version = coordinate.split(":")
        named.append(context.project(group, artifact).at_version(version).artifact())
    if not transitive:
        return named
    from jgo.maven import Dependency

    inputs, others = context.resolver.resolve([Dependency(artifact) for artifact in named])
    return [dependency.artifact for dependency in (*inputs, *others)]


def _whole(artifact: Any) -> Path:
    """The artifact's file, fetched again once if an earlier download was cut short."""
    path = Path(artifact.resolve())
    if not zipfile.is_zipfile(path):
        path.unlink()
        path = Path(artifact.resolve())
    return path

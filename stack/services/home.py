"""The folder of a stack: its data, logs and pids, and the settings with which it was started."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.services.errors import StackError
from stack.services.settings import StackSettings

LOCK = "depthflow.lock"
RECORD = "settings.json"
FOLDERS = ("checkpoints", "classes", "conf", "logs/flink", "run", "savepoints", "tmp")
FREE_BYTES = 2 * 1024**3


def create(settings: StackSettings) -> None:
    """Create the stack's folder. A folder with other contents is refused, because `down --wipe` removes all of it."""
    home = settings.home
    if " " in str(home):
        raise StackError(f"Flink's scripts cannot work in {home}", "Set DEPTHFLOW_HOME to a path without spaces")
    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not exists(home) and any(home.iterdir()):
        raise StackError(
            f"{home} is not empty and is not the folder of a stack", "Set DEPTHFLOW_HOME to a folder of its own"
        )
    (home / LOCK).touch()
    for folder in FOLDERS:
        (home / folder).mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free
    if free < FREE_BYTES:
        raise StackError(
            f"{home} has {free / 1024**3:.1f} GiB free, the stack needs {FREE_BYTES / 1024**3:.0f} GiB",
            "Free some space, or set DEPTHFLOW_HOME to a folder on another disk",
        )


def exists(home: Path) -> bool:
    """True if this folder belongs to a stack."""
    return (home / LOCK).exists()


@contextmanager
def exclusive(home: Path) -> Iterator[None]:
    """Lock the stack against other commands until the block ends. The lock ends with the process in any case."""
    with open(home / LOCK, "w") as lock:
        while not _try_lock(lock.fileno()):
            time.sleep(0.1)
        yield


def clear_temporary_files(home: Path) -> None:
    """Remove temporary files of processes that have ended."""
    shutil.rmtree(home / "tmp")
    (home / "tmp").mkdir()


def temporary_folder(home: Path, name: str) -> Path:
    """Folder for temporary files of the process of that name, which is emptied before each start of the process."""
    return home / "tmp" / name


def record(settings: StackSettings) -> None:
    """Record the settings with which this stack is started."""
    (settings.home / RECORD).write_text(settings.model_dump_json(indent=2))


def recorded(home: Path) -> StackSettings:
    """The settings with which the stack of this home was started, or those of the environment if there is none."""
    file = home / RECORD
    current = StackSettings(depthflow_home=home)
    return StackSettings.model_construct(**current.model_dump() | _read(file)) if file.exists() else current


def _read(file: Path) -> dict[str, object]:
    return StackSettings.model_validate_json(file.read_text()).model_dump(exclude={"depthflow_home"})


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""The folder a stack lives in: its data, logs, pids, and the settings it was started with."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.errors import StackError
from stack.settings import StackSettings

LOCK = "depthflow.lock"
RECORD = "settings.json"
FOLDERS = ("checkpoints", "classes", "conf", "logs/flink", "run", "savepoints", "tmp")
FREE_BYTES = 2 * 1024**3


def make(settings: StackSettings) -> None:
    """Make the stack's folder. One that holds anything else is refused, because `down --wipe` removes it whole."""
    home = settings.home
    if " " in str(home):
        raise StackError(f"Flink's scripts cannot work in {home}", "Give DEPTHFLOW_HOME a path without spaces")
    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not exists(home) and any(home.iterdir()):
        raise StackError(f"{home} is not empty and not a depthflow stack's", "Give DEPTHFLOW_HOME a folder of its own")
    (home / LOCK).touch()
    for folder in FOLDERS:
        (home / folder).mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free
    if free < FREE_BYTES:
        raise StackError(
            f"{home} has {free / 1024**3:.1f} GiB free, the stack wants {FREE_BYTES / 1024**3:.0f} GiB",
            "Make room, or point DEPTHFLOW_HOME at another disk",
        )


def exists(home: Path) -> bool:
    """Whether this folder is a stack's."""
    return (home / LOCK).exists()


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Two commands at once take turns. The lock goes with the process, whatever ends it."""
    with open(home / LOCK, "w") as lock:
        while not _locked(lock.fileno()):
            time.sleep(0.1)
        yield


def empty_scratch(home: Path) -> None:
    """Remove what processes that are gone left in their folder for temporary files."""
    shutil.rmtree(home / "tmp")
    (home / "tmp").mkdir()


def record(settings: StackSettings) -> None:
    """Note the settings this stack is started with."""
    (settings.home / RECORD).write_text(settings.model_dump_json(indent=2))


def recorded(home: Path) -> StackSettings:
    """The settings the stack of this home was started with; those of the environment where there is no stack."""
    file = home / RECORD
    own = StackSettings(depthflow_home=home)
    return StackSettings.model_construct(**own.model_dump() | _read(file)) if file.exists() else own


def _read(file: Path) -> dict[str, object]:
    kept = StackSettings.model_validate_json(file.read_text())
    return kept.model_dump(exclude={"depthflow_home"})


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""Files of compiled plans, beside the checkpoints and savepoints of their jobs: `plan-….json`, with the first six
characters of the job's id. They are on Flink's file systems: a folder, or an object store.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pyflink.java_gateway import get_gateway

# Checkpoints are in a folder of their job's id, and savepoints have its first six characters in their names.
_STATE = re.compile(r"(.+)/(?:savepoint-(\w{6})-\w+|(\w{6})\w{26}/chk-\d+)/?")
_PLAN = re.compile(r"plan-(\w{6})\.json")


def file_of_state(state: str) -> str:
    """Address of the plan of a checkpoint or savepoint; empty if it is not in a folder of Flink's naming."""
    found = _STATE.fullmatch(state)
    return f"{found[1]}/plan-{found[2] or found[3]}.json" if found else ""


def read(state: str) -> Any:
    """Content of the file of a checkpoint or savepoint; None without one, as with state of releases without plans."""
    address = file_of_state(state)
    if not address:
        return None
    files, path = _file_system(address)
    if not files.exists(path):
        return None
    stream = files.open(path)
    try:
        return json.loads(stream.readAllBytes())
    finally:
        stream.close()


def keep(folders: Iterable[str], job_id: str, content: Any) -> None:
    """Write the file of a job that begins, and delete those of jobs whose state is gone.

    `folders`: those of the job's checkpoints and of its savepoints, which may be the same, or empty if it has none.
    """
    own = f"plan-{job_id[:6]}.json"
    for folder in {folder.rstrip("/") for folder in folders if folder}:
        _write(f"{folder}/{own}", content)
        names = _names(folder)
        for name in names:
            found = _PLAN.fullmatch(name)
            if found and name != own and not _has_state(folder, names, found[1]):
                files, path = _file_system(f"{folder}/{name}")
                files.delete(path, False)


def _has_state(folder: str, names: Sequence[str], job: str) -> bool:
    """True if the folder has a savepoint or a checkpoint of the job with this start of its id.

    The folder of a job's checkpoints may stay when they are gone.
    """
    runs = [name for name in names if name.startswith(job)]
    return any(name.startswith(f"savepoint-{job}-") for name in names) or any(
        name.startswith("chk-") for run in runs for name in _names(f"{folder}/{run}")
    )


def _names(folder: str) -> list[str]:
    """Names of the files and folders in a folder."""
    files, path = _file_system(folder)
    return [str(status.getPath().getName()) for status in files.listStatus(path)]


def _write(address: str, content: Any) -> None:
    files, path = _file_system(address)
    mode = get_gateway().jvm.org.apache.flink.core.fs.FileSystem.WriteMode.OVERWRITE
    stream = files.create(path, mode)
    stream.write(json.dumps(content).encode())
    stream.close()


def _file_system(address: str) -> tuple[Any, Any]:
    """Flink's file system of an address, and the address as its path."""
    path = get_gateway().jvm.org.apache.flink.core.fs.Path(address)
    return path.getFileSystem(), path

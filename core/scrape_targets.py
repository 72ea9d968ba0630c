"""Registration of a process with metrics, as a file of targets in the folder of the local stack.

The Prometheus of the stack and the gateway's page Pipeline read them.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "targets"
UNOBSERVED = Path("run") / "targets"  # without Prometheus: for the gateway alone


def targets_folder(home: Path) -> Path:
    """Folder of the files. It exists while the stack is observed."""
    return home / FOLDER


def unobserved_targets_folder(home: Path) -> Path:
    """Folder of the files while no Prometheus runs."""
    return home / UNOBSERVED


@contextmanager
def scrape_target(home: Path, job: str, address: str, **labels: str) -> Iterator[None]:
    """Register `address` (host:port) until the block ends.

    The file of a process that was killed stays: its target counts as down until a process of the same address ends.
    Nothing happens where `home` is not the folder of a stack.
    """
    folder = targets_folder(home)
    if not folder.is_dir():
        folder = unobserved_targets_folder(home)
    if not folder.parent.is_dir() or not address:
        yield
        return
    folder.mkdir(exist_ok=True)
    file = folder / f"{job}-{address.rpartition(':')[2]}.json"
    draft = file.with_suffix(".part")
    draft.write_text(json.dumps([{"targets": [address], "labels": {"job": job, **labels}}]))
    draft.rename(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)

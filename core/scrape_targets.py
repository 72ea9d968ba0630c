"""Registration of a process with the Prometheus of the local stack, as a file of targets in the stack's folder."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "targets"


def targets_folder(home: Path) -> Path:
    """Folder of the files. It exists while the stack is observed."""
    return home / FOLDER


@contextmanager
def scrape_target(home: Path, job: str, address: str, **labels: str) -> Iterator[None]:
    """Let Prometheus scrape `address` (host:port) until the block ends.

    The file of a process that was killed stays: its target counts as down until a process of the same address ends.
    Nothing happens where the stack is not observed.
    """
    folder = targets_folder(home)
    file = folder / f"{job}-{address.rpartition(':')[2]}.json"
    if not folder.is_dir() or not address:
        yield
        return
    draft = file.with_suffix(".part")
    draft.write_text(json.dumps([{"targets": [address], "labels": {"job": job, **labels}}]))
    draft.rename(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)

"""Files that only their owner can read."""

import os
from pathlib import Path


def write_secret(path: Path, text: str) -> None:
    """Write a file with the mode 0600, also where it has existed with another one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as out:
        os.fchmod(descriptor, 0o600)
        out.write(text)

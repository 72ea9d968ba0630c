"""Files that only their owner can read."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile


def write_secret(path: Path, text: str) -> None:
    """Write a file with the mode 0600. It is renamed into place: an interrupted call leaves the one from before."""
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-", delete=False) as out:
        try:
            out.write(text)
            out.close()
            os.replace(out.name, path)
        except BaseException:
            os.unlink(out.name)
            raise

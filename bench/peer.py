"""The environment of cryptofeed, whose packages are not ours: made on demand below the stack's folder."""

import subprocess
import sys
from pathlib import Path

from market.errors import UserError

PACKAGES = ("cryptofeed[kafka]==2.4.1", "aiokafka[lz4]==0.12.0")


class PeerError(UserError):
    """cryptofeed cannot be installed here; the text says why."""


def peer_python(home: Path) -> Path:
    """The interpreter that finds cryptofeed. Builds its environment when there is none yet. Raises PeerError."""
    folder = home.absolute() / "peers" / "cryptofeed"
    python, made = folder / "bin" / "python", folder / ".made"
    if made.exists() and made.read_text() == " ".join(PACKAGES):
        return python
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES])
    made.write_text(" ".join(PACKAGES))
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "error" in line.lower()]
        raise PeerError(f"cryptofeed cannot be installed: {lines[-1].strip() if lines else command}")

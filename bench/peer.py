"""A virtual environment with cryptofeed and its own dependencies, created on demand below the stack's folder."""

import subprocess
import sys
from pathlib import Path

from core.certificates import pip_environment
from core.errors import UserError

PACKAGES = ("cryptofeed[kafka]==2.4.1", "aiokafka[lz4]==0.12.0")


class PeerError(UserError):
    """cryptofeed cannot be installed; the text contains pip's reason."""


def peer_python(home: Path) -> Path:
    """Interpreter of an environment with cryptofeed, which is created if it does not exist. Raises PeerError."""
    folder = home.absolute() / "peers" / "cryptofeed"
    python, marker = folder / "bin" / "python", folder / ".made"
    if marker.exists() and marker.read_text() == " ".join(PACKAGES):
        return python
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES])
    marker.write_text(" ".join(PACKAGES))
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=pip_environment())
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "error" in line.lower()]
        raise PeerError(f"cryptofeed cannot be installed: {lines[-1].strip() if lines else command}")

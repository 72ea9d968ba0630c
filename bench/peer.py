"""Virtual environments with peers and their own dependencies, created on demand below the stack's folder."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from core.certificates import pip_environment
from core.errors import UserError


class PeerError(UserError):
    """A peer cannot be installed; the text contains pip's reason."""


@dataclass(frozen=True)
class Peer:
    """Name of a peer, and the packages of its environment."""

    name: str
    packages: tuple[str, ...]


CRYPTOFEED = Peer("cryptofeed", ("cryptofeed[kafka]==2.4.1", "aiokafka[lz4]==0.12.0"))


def peer_python(home: Path, peer: Peer) -> Path:
    """Interpreter of the peer's environment, which is created if it does not exist. Raises PeerError."""
    folder = home.absolute() / "peers" / peer.name
    python, marker = folder / "bin" / "python", folder / ".made"
    if marker.exists() and marker.read_text() == " ".join(peer.packages):
        return python
    _run(peer, [sys.executable, "-m", "venv", "--clear", str(folder)])
    _run(peer, [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.packages])
    marker.write_text(" ".join(peer.packages))
    return python


def _run(peer: Peer, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=pip_environment())
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "error" in line.lower()]
        raise PeerError(f"{peer.name} cannot be installed: {lines[-1].strip() if lines else command}")

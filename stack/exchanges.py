"""The demo's exchanges: a simulator of each venue, and a forwarder that listens to it over real sockets."""

import socket
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingestion.generator.instruments import VENUES, default_symbols
from stack.errors import StackError
from stack.patience import awaited
from stack.processes import log_tail
from stack.settings import LOOPBACK

LISTENING_S = 60  # a simulator makes its books first
CHAIN = "BTC"
CHAIN_SHAPE = ("--expiries", "4", "--strikes", "15")  # 120 options: a small machine carries them beside the books


@dataclass(frozen=True)
class Child:
    """One command of ours at work, and the name of its log."""

    name: str
    process: subprocess.Popen[bytes]


class Exchanges:
    """The running simulators and forwarders."""

    def __init__(self, home: Path, children: list[Child]) -> None:
        self._home = home
        self._children = children

    def check(self) -> None:
        """Raises StackError when one of them ended, with its last lines."""
        for child in self._children:
            if child.process.poll() is not None:
                raise StackError(f"`depthflow {child.name}` ended", "Its last lines:", log_tail(self._home, child.name))


@contextmanager
def exchanges(home: Path) -> Iterator[Exchanges]:
    """Simulators and forwarders of all venues until the block ends; the forwarders stop first, and flush.

    Forwarders begin when all simulators listen: what they ask first, such as which options there are, they ask once.
    Raises StackError when one does not come to listen.
    """
    with ExitStack() as running:
        ports = {venue: free_port() for venue in VENUES}
        served = [running.enter_context(_child(home, simulator(venue, port))) for venue, port in ports.items()]
        _await_listening(Exchanges(home, served), ports.values())
        heard = [running.enter_context(_child(home, forwarder(home, venue, port))) for venue, port in ports.items()]
        yield Exchanges(home, served + heard)


def _await_listening(simulators: Exchanges, ports: Collection[int]) -> None:
    def silent() -> str:
        simulators.check()
        return ", ".join(str(port) for port in ports if not _listens(port))

    awaited(
        lambda: not silent(),
        LISTENING_S,
        lambda: StackError(f"No simulated exchange listens on port {silent()}", f"It had {LISTENING_S} s"),
    )


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return not one.connect_ex((LOOPBACK, port))


def simulator(venue: str, port: int) -> list[str]:
    """The command that serves a venue."""
    options = ["--chains", CHAIN, *CHAIN_SHAPE] if venue == "deribit" else []
    return ["simulate", venue, "--symbols", ",".join(default_symbols(venue)), "--port", str(port), *options]


def forwarder(home: Path, venue: str, port: int) -> list[str]:
    """The command that puts a served venue into the raw topics."""
    urls = ["--ws-url", f"ws://{LOOPBACK}:{port}", "--rest-url", f"http://{LOOPBACK}:{port}"]
    own = ["--metrics-addr", "", "--spill-dir", str(home / "spill" / venue)]
    options = ["--chains", CHAIN] if venue == "deribit" else []
    return ["forward", f"--venue={venue}", "--symbols", ",".join(default_symbols(venue)), *urls, *own, *options]


def free_port() -> int:
    """A port that nobody holds right now."""
    with socket.socket() as one:
        one.bind((LOOPBACK, 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def _child(home: Path, arguments: list[str]) -> Iterator[Child]:
    name = "-".join(arguments[:2]).replace("--venue=", "")
    with open(home / "logs" / f"{name}.log", "wb") as log:
        command = [sys.executable, "-m", "stack", *arguments]
        with subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as process:
            try:
                yield Child(name, process)
            finally:
                process.terminate()  # SIGINT is ignored by whatever a script starts in the background

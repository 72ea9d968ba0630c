"""A simulated exchange and its forwarder, as processes: the live path of a benchmark."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.children import end_with_parent
from core.errors import UserError
from core.settings import Settings
from simulator.control_client import ControlClient

LISTENING_S = 60.0
HOST = "127.0.0.1"


@dataclass(frozen=True)
class LiveVenue:
    """A running exchange. `rate`: book updates per second and symbol."""

    venue: str
    symbols: tuple[str, ...]
    rate: float
    control: ControlClient


@contextmanager
def live_venue(
    settings: Settings, folder: Path, venue: str, symbols: tuple[str, ...], rate: float
) -> Iterator[LiveVenue]:
    """An exchange and its forwarder into the topics of the settings, until the block ends; logs are in `folder`.

    Raises UserError if one of them ends early or does not listen.
    """
    port, control_port = free_port(), free_port()
    names = ("--symbols", ",".join(symbols))
    ports = ("--port", str(port), "--control-port", str(control_port))
    urls = ("--ws-url", f"ws://{HOST}:{port}", "--rest-url", f"http://{HOST}:{port}")
    spill = ("--metrics-addr", "", "--spill-dir", str(folder / f"spill-{venue}"))
    chains = ("--chains", "") if venue == "deribit" else ()
    with process(settings, folder, "simulate", venue, *names, *ports, "--rate", str(rate), *chains) as simulator:
        _wait_listening(simulator, folder, port, control_port)
        with process(settings, folder, "forward", "--venue", venue, *names, *urls, *spill):
            yield LiveVenue(venue, symbols, rate, ControlClient(control_port))


@contextmanager
def process(settings: Settings, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A `depthflow` command that runs until the block ends."""
    with open(folder / f"{arguments[0]}.log", "ab") as log:
        command = [sys.executable, "-m", "stack", *arguments]
        environment = os.environ | settings.environment()
        with subprocess.Popen(command, stdout=log, stderr=log, env=environment, preexec_fn=end_with_parent) as child:
            try:
                yield child
            finally:
                child.terminate()


def _wait_listening(simulator: subprocess.Popen[bytes], folder: Path, *ports: int) -> None:
    end = time.monotonic() + LISTENING_S
    while not all(_listens(port) for port in ports):
        if simulator.poll() is not None or time.monotonic() > end:
            lines = (folder / "simulate.log").read_text(errors="replace").splitlines()
            raise UserError(f"the simulated exchange does not listen: {lines[-1] if lines else 'it wrote nothing'}")
        time.sleep(0.1)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return not client.connect_ex((HOST, port))


def free_port() -> int:
    """A port that no process uses at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port

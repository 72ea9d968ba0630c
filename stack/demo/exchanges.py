"""The demo's exchanges: a simulator of each venue, and a forwarder connected to it over real sockets."""

import os
import socket
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simulator.control_client import ControlClient
from simulator.registry import SIMULATORS, default_symbols
from stack.services.errors import StackError
from stack.services.logs import log_tail
from stack.services.polling import poll_until
from stack.services.progress import Progress
from stack.services.settings import LOOPBACK

LISTENING_S = 60  # a simulator generates its books before it listens
IMBALANCE_S = 12.0  # longer than an imbalance must be held for an alert
CHAIN = "BTC"
CHAIN_SHAPE = (
    "--expiries",
    "4",
    "--strikes",
    "15",
)  # 120 options: a small machine processes them in addition to the books


@dataclass(frozen=True)
class Child:
    """One running `depthflow` command, and the name of its log."""

    name: str
    process: subprocess.Popen[bytes]


class Exchanges:
    """The running simulators and forwarders."""

    def __init__(self, home: Path, children: list[Child], control_ports: Mapping[str, int]) -> None:
        self._home = home
        self._children = children
        self._books = [
            (ControlClient(port), symbol) for venue, port in control_ports.items() for symbol in default_symbols(venue)
        ]

    def plant(self, turn: int) -> None:
        """Plant a condition that raises an alert: an imbalance of some seconds, or a sweep, in each book in turn."""
        client, symbol = self._books[turn % len(self._books)]
        condition: Literal["imbalance", "sweep"] = "sweep" if turn % 3 == 2 else "imbalance"
        client.plant(symbol, condition, "bid" if turn % 2 else "ask", IMBALANCE_S)

    def check(self) -> None:
        """Raises StackError with the last lines of the log when one of them has ended."""
        for child in self._children:
            if child.process.poll() is not None:
                raise StackError(f"`depthflow {child.name}` ended", "Its last lines:", log_tail(self._home, child.name))


@contextmanager
def exchanges(home: Path, progress: Progress) -> Iterator[Exchanges]:
    """Simulators and forwarders of all venues until the block ends. The forwarders stop first and flush.

    Forwarders start when all simulators listen: a forwarder requests the list of options only once, at its start.
    Raises StackError when a simulator does not listen in time.
    """
    with ExitStack() as running:
        ports = {venue: free_port() for venue in SIMULATORS}
        control = {venue: free_port() for venue in SIMULATORS}
        with progress.step("simulating the exchanges"):
            simulators = [
                running.enter_context(_child(home, simulator(venue, port, control[venue])))
                for venue, port in ports.items()
            ]
            _wait_listening(Exchanges(home, simulators, control), [*ports.values(), *control.values()])
        forwarders = [
            running.enter_context(_child(home, forwarder(home, venue, port, free_port())))
            for venue, port in ports.items()
        ]
        running.callback(_terminate, forwarders)
        yield Exchanges(home, simulators + forwarders, control)


def _terminate(children: Collection[Child]) -> None:
    """End children side by side; each then has its exit awaited by its own block."""
    for child in children:
        child.process.terminate()


def _wait_listening(simulators: Exchanges, ports: Collection[int]) -> None:
    def closed_ports() -> str:
        simulators.check()
        return ", ".join(str(port) for port in ports if not _listens(port))

    poll_until(
        lambda: not closed_ports(),
        LISTENING_S,
        lambda: StackError(
            f"No simulated exchange listens on port {closed_ports()} after {LISTENING_S} s",
            "`depthflow logs simulate-VENUE` shows why",
        ),
    )


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return not client.connect_ex((LOOPBACK, port))


def simulator(venue: str, port: int, control_port: int) -> list[str]:
    """The command that serves a simulated venue."""
    options = ["--chains", CHAIN, *CHAIN_SHAPE] if CHAIN in SIMULATORS[venue].chains else []
    ports = ["--port", str(port), "--control-port", str(control_port)]
    return ["simulate", venue, "--symbols", ",".join(default_symbols(venue)), *ports, *options]


def forwarder(home: Path, venue: str, port: int, metrics_port: int) -> list[str]:
    """The command that streams a simulated venue into the raw topics. `metrics_port`: of its health and metrics."""
    urls = ["--ws-url", f"ws://{LOOPBACK}:{port}", "--rest-url", f"http://{LOOPBACK}:{port}"]
    local = ["--metrics-addr", f"{LOOPBACK}:{metrics_port}", "--spill-dir", str(home / "spill" / venue)]
    options = ["--chains", CHAIN] if CHAIN in SIMULATORS[venue].chains else []
    return ["forward", f"--venue={venue}", "--symbols", ",".join(default_symbols(venue)), *urls, *local, *options]


def free_port() -> int:
    """A port that no process uses at the moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _child(home: Path, arguments: list[str]) -> Iterator[Child]:
    name = "-".join(arguments[:2]).replace("--venue=", "")
    with open(home / "logs" / f"{name}.log", "wb") as log:
        command, environment = [sys.executable, "-m", "stack", *arguments], os.environ | {"DEPTHFLOW_HOME": str(home)}
        with subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True) as process:
            try:
                yield Child(name, process)
            finally:
                process.terminate()  # not SIGINT: children that a script starts in the background ignore it
                process.wait()  # at Ctrl-C the block of Popen would not

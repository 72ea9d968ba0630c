"""`depthflow bench peer-books`: our book beside those of cryptofeed and nautilus_trader, over the same frames."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Raw
from rich.console import Console
from rich.table import Table

from bench.children import end_with_parent
from bench.domain import generated
from bench.peer import CRYPTOFEED, Peer, PeerError, peer_python
from core.errors import UserError
from core.records import Envelope
from core.resources import ROOT
from core.settings import Settings

NAUTILUS = Peer("nautilus", ("nautilus_trader==1.221.0",))
LEVELS = 20
PEERS = (
    ("cryptofeed", CRYPTOFEED, "bench.peers.cryptofeed_book"),
    ("nautilus_trader", NAUTILUS, "bench.peers.nautilus_book"),
)

console = Console(stderr=True)


class BookCost(msgspec.Struct):
    """µs a frame: decoded and applied, and with the sums of the best ten levels; the last sum."""

    apply_us: float
    with_sums_us: float
    depth: float


def report() -> None:
    """Measure, print a table, and as the last line one JSON object."""
    costs = measure(lambda reason: console.print(f"{reason}; it is skipped", highlight=False, soft_wrap=True))
    table = Table(title=f"Binance spot, {LEVELS} levels a frame, µs a frame")
    for heading in ("book of", "decode, apply", "and ten levels a side"):
        table.add_column(heading, justify="left" if heading == "book of" else "right")
    for name, cost in costs.items():
        table.add_row(name, f"{cost.apply_us:.1f}", f"{cost.with_sums_us:.1f}")
    Console().print(table)
    print(json.dumps(msgspec.to_builtins(costs)))


def measure(on_missing: Callable[[str], None]) -> dict[str, BookCost]:
    """Costs by name of those that can be installed. Raises UserError when two books disagree."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "frames"
        path.write_bytes(b"\n".join(frames()))
        costs = {"depthflow": run(sys.executable, "bench.peers.own_book", path)}
        for name, peer, module in PEERS:
            try:
                with console.status(f"{name}: creating its environment, once"):
                    python = peer_python(Settings().flink_home.parent, peer)
            except PeerError as error:
                on_missing(str(error))
                continue
            costs[name] = run(str(python), module, path)
    if len({round(cost.depth, 3) for cost in costs.values()}) != 1:
        raise UserError(f"the books disagree: {costs}")
    return costs


def frames() -> Iterator[bytes]:
    """Depth frames of one symbol, without their envelopes."""
    for value in generated("binance", LEVELS):
        envelope = msgspec.json.decode(value, type=Envelope)
        if envelope.channel.startswith("depth") and isinstance(envelope.frame, Raw):
            yield bytes(envelope.frame)


def run(python: str, module: str, path: Path) -> BookCost:
    """Cost of one book, measured by a module of `bench.peers`. Raises UserError with its last line when it fails."""
    command = [python, "-m", module, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, preexec_fn=end_with_parent)
    if done.returncode:
        raise UserError(f"{module} failed: {done.stderr.strip().splitlines()[-1]}")
    return msgspec.json.decode(done.stdout, type=BookCost)

"""`depthflow bench ring`: write and read of the newest book in shared memory, and the way from Kafka into it."""

import json
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from timeit import repeat

from rich.console import Console
from rich.table import Table

from bench.ring_latency import LEVELS, SYMBOLS, kafka_latencies
from core.resources import ROOT
from core.settings import Settings
from ring.layout import Layout
from ring.view import Ring
from ring.writer import RingWriter

KEY = "binance:BTCUSDT"
REPEATS, LOOPS = 10, 20_000
C_READS = 5_000_000

console = Console()


def fastest_us(call: Callable[[], object]) -> float:
    """Microseconds of one call in the fastest of some repeats."""
    return min(repeat(call, number=LOOPS, repeat=REPEATS)) / LOOPS * 1e6


def memory_costs(folder: Path) -> dict[str, float | None]:
    """Time of a write and of a read of the newest book: Python in µs, C in ns (None without a compiler)."""
    side = [float(number) for number in range(2 * LEVELS)]
    with closing(RingWriter(folder / "bench.ring", Layout(levels=LEVELS))) as writer:
        write_us = fastest_us(lambda: writer.write_book(KEY, 1, 2, 3, side, side))
        writer.beat()
        slot = Ring(writer.path)[KEY]
        read_us = fastest_us(slot.book)
        writer.beat()
        return {"write_us": write_us, "read_us": read_us, "c_read_ns": c_read_ns(writer.path, folder)}


def c_read_ns(segment: Path, folder: Path) -> float | None:
    """Nanoseconds of a read by the example in C."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    source, header = ROOT / "examples" / "ring_reader.c", Path(__file__).parents[1] / "ring"
    if compiler is None or not source.exists():
        return None
    program = folder / "ring_reader"
    subprocess.run([compiler, "-O2", "-std=c11", f"-I{header}", str(source), "-o", str(program)], check=True)
    done = subprocess.run([str(program), str(segment), KEY, str(C_READS)], check=True, capture_output=True, text=True)
    return float(done.stdout.split(", ")[-1].split()[0])


def report(per_s: int, seconds: int) -> None:
    """Print the table, and the results as one JSON line."""
    with TemporaryDirectory() as folder:
        results = memory_costs(Path(folder))
    with console.status(f"{per_s:,} books/s through Kafka for {seconds} s"):
        latencies = kafka_latencies(Settings(), per_s, seconds)
    results |= latencies.results()
    table = Table("what", "measured", "aim")
    aims = {"write_us": 2.0, "read_us": 3.0, "c_read_ns": 200.0, "added_p99_ms": 5.0}
    for name, value in results.items():
        aim = f"≤ {aims[name]:g}" if name in aims else ""
        table.add_row(name, "no compiler" if value is None else f"{value:.2f}", aim)
    console.print(table)
    console.print(f"books of {LEVELS} levels a side; {len(latencies.ring_ms):,} of {SYMBOLS} symbols seen", style="dim")
    print(json.dumps({name: None if value is None else round(value, 3) for name, value in results.items()}))

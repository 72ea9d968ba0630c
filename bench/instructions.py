"""Instructions of the domain's hot path, by function, as ratios that neither load nor machine changes.

`python -m bench.instructions` prints them beside the baseline `bench/instructions.json`, and with `--renew` writes it.
Valgrind counts instructions exactly. `hot path` and `decode_book` are ratios to the floor (`bench/floor.py`), functions
of Python to a fixed load on the interpreter (`bench/hot_path.py`). Baselines are by processor and version of Python.
"""

import json
import os
import pickle
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.domain import generated, open_empty
from bench.floor import floor_of
from bench.hot_path import SECTIONS, Frames
from core.resources import ROOT

BASELINE = Path(__file__).with_suffix(".json")
MACHINE = f"{platform.machine()} Python {'.'.join(platform.python_version_tuple()[:2])}"
VENUES = ("binance", "binance_usdm", "deribit", "kraken")
FIRST, COUNTED, LEVELS = 60, 100, 20
TOLERANCE = 1.1
Ratios = dict[str, dict[str, float]]  # by venue and function


class CountFailed(Exception):
    """Valgrind did not count; the text has the end of its output."""


def is_available() -> bool:
    """True if valgrind is installed."""
    return shutil.which("valgrind") is not None


def frames_of(venue: str) -> Frames:
    """Generated frames of one symbol, and their records."""
    values = generated(venue, LEVELS, frames=FIRST + COUNTED)
    builder = open_empty(values)
    records = floor_of(venue, [values], [builder]).records[-COUNTED:]
    return Frames(f"{builder._venue}:{builder._symbol}", values[:FIRST], values[FIRST:], records)


def counted() -> Ratios:
    """Count the hot path of every venue. Raises `CountFailed`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames"
        path.write_bytes(pickle.dumps([frames_of(venue) for venue in VENUES]))
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/count", "--dump-before=getppid"]
        ended = subprocess.run(
            [*command, "--dump-line=no", sys.executable, "-m", "bench.hot_path", str(path)],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise CountFailed(f"valgrind ended with {ended.returncode}: {ended.stderr[-2_000:]}")
        totals = list(_totals(Path(folder)))
    sections = len(SECTIONS)
    if len(totals) != sections * len(VENUES):
        raise CountFailed(f"expected {sections * len(VENUES)} counts, got {len(totals)}")
    parts = [dict(zip(SECTIONS, totals[i : i + sections], strict=True)) for i in range(0, len(totals), sections)]
    return {venue: ratios(part) for venue, part in zip(VENUES, parts, strict=True)}


def _totals(folder: Path) -> Iterator[int]:
    """Instructions between the marks. The last file, after the last mark, is left out."""
    number = 1
    while (path := folder / f"count.{number}").exists():
        with path.open() as file:
            yield next(int(line.split()[1]) for line in file if line.startswith(("totals:", "summary:")))
        number += 1


def ratios(part: Mapping[str, int]) -> dict[str, float]:
    """Ratios of one venue's functions, from the instructions of its sections."""
    decode, bare, apply = part["decode_book"], part["apply without publish"], part["BookBuilder.apply"]
    floor, interpreter = part["floor"], part["interpreter"]
    ticks = part["RecordWriter.finish_batch"]
    functions = {
        "BookSync.on_message": bare - decode - part["BookSide.apply"],
        "BookSide.apply": part["BookSide.apply"],
        "side_metrics": part["side_metrics"],
        "measure": apply - bare - part["side_metrics"] - part["encode"],
        "RecordWriter.finish_batch": ticks,
        "BookBuilder.journal": part["BookBuilder.journal"],
    }
    return {
        "hot path": round((apply + ticks) / floor, 3),
        "decode_book": round(decode / floor, 3),
        **{name: round(count / interpreter, 4) for name, count in functions.items()},
    }


def grown(now: Ratios, before: Ratios) -> list[str]:
    """One line for each function that takes over 10 % more instructions than in the baseline."""
    return [
        f"{venue} {name}: {now[venue][name] / ratio - 1:+.0%}, {now[venue][name]} against {ratio}"
        for venue, functions in before.items()
        for name, ratio in functions.items()
        if now[venue][name] > ratio * TOLERANCE and name != "hot path"
    ]


def baseline() -> dict[str, Ratios]:
    """Baselines by machine."""
    loaded: dict[str, Ratios] = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    return loaded


def main(renew: bool) -> None:
    """Print every ratio beside its baseline, and write the baseline if it is to be renewed."""
    now, baselines = counted(), baseline()
    before = baselines.get(MACHINE, {})
    for venue, functions in now.items():
        for name, ratio in functions.items():
            print(f"{venue:13} {name:26} {ratio:8} {before.get(venue, {}).get(name, ''):>8}")
    if renew:
        BASELINE.write_text(json.dumps(baselines | {MACHINE: now}, indent=1) + "\n")


if __name__ == "__main__":
    main("--renew" in sys.argv[1:])

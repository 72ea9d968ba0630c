"""The C header and its example, built by the machine's compiler."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from core.resources import ROOT
from ring import layout
from ring.layout import Layout
from tests.ring.builders import KEY, opened, trade, write

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
HEADER = ROOT / "ring" / "depthflow_ring.h"
pytestmark = pytest.mark.skipif(not COMPILER, reason="needs a C compiler: cc, gcc or clang")

CHECK = """
#define _POSIX_C_SOURCE 200809L
#include "depthflow_ring.h"
#include <stdio.h>
int main(int count, char **arguments) {
  df_ring ring; df_trade trade; int64_t since;
  if (count != 3 || df_open(&ring, arguments[1])) return 1;
  const df_slot *slot = df_find(&ring, arguments[2]);
  for (uint64_t age = 0; df_trade_at(&ring, slot, age, &trade); age++) printf("%g ", trade.price);
  printf("state %d", df_state_of(slot, &since));
  printf(" since %lld alive %d\\n", (long long)since, df_alive(&ring));
  return 0;
}
"""


def build(source: Path, program: Path) -> Path:
    assert COMPILER
    options = ["-O2", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{HEADER.parent}"]
    done = subprocess.run([COMPILER, *options, str(source), "-o", str(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=60)


def test_the_example_prints_the_newest_book_and_the_time_of_a_read(tmp_path: Path) -> None:
    program = build(ROOT / "examples" / "ring_reader.c", tmp_path / "ring_reader")
    with opened(tmp_path, Layout(slots=2)) as (writer, _):
        write(writer, 1, key="kraken:BTC/USD")
        writer.write_book(KEY, 1, 2, 3, [100.5, 1.0] * 20, [101.0, 2.5] * 20)
        writer.write_state(KEY, "synced", 1)
        done = run(program, str(writer.path), KEY, "100000")
        assert done.returncode == 0, done.stderr
        expected = r"update 3, synced, best bid 100.5 x 1, best ask 101 x 2.5, \d+ ns a read\n"
        assert re.fullmatch(expected, done.stdout), done.stdout
        assert run(program, str(writer.path), "no:KEY").returncode == 1
    missing = run(program, str(tmp_path / "none.ring"), KEY)
    assert missing.stderr == f"no ring of version 1 at {tmp_path}/none.ring: start `depthflow ring`\n"


def test_the_header_reads_trades_states_and_the_heartbeat(tmp_path: Path) -> None:
    (tmp_path / "check.c").write_text(CHECK)
    program = build(tmp_path / "check.c", tmp_path / "check")
    with opened(tmp_path) as (writer, _):
        for number in range(1, 12):
            writer.write_trade(KEY, trade(number))
        writer.write_state(KEY, "stale", 77)
        assert run(program, str(writer.path), KEY).stdout == "11 10 9 8 7 6 5 4 state 3 since 77 alive 1\n"


def test_header_and_layout_have_the_same_version_and_names() -> None:
    text = HEADER.read_text()
    assert f"#define DF_VERSION {layout.VERSION}u" in text
    assert int(re.findall(r"#define DF_MAGIC (0x\w+)ull", text)[0], 16) == layout.MAGIC
    states = re.findall(r"DF_(\w+)", re.findall(r"enum df_state \{(.*?)\}", text)[0])
    assert states == ["UNKNOWN", *(state.upper() for state in layout.STATES)]
    assert all(re.search(rf"\b{name}\b", text) for name in layout.TICK_NUMBERS)

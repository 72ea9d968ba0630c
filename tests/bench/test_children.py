"""Processes of a benchmark end with it."""

import signal
import subprocess
import sys

import psutil
import pytest

from bench.children import child

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
BENCHMARK = f"""
import time
from bench.children import child
with child({SLEEP!r}) as process:
    print(process.pid, flush=True)
    time.sleep(60)
"""


def test_a_killed_benchmark_leaves_nothing_running() -> None:
    with subprocess.Popen([sys.executable, "-c", BENCHMARK], stdout=subprocess.PIPE, text=True) as benchmark:
        assert benchmark.stdout is not None
        left = psutil.Process(int(benchmark.stdout.readline()))
        benchmark.send_signal(signal.SIGKILL)
    gone, alive = psutil.wait_procs([left], timeout=30)
    assert (gone, alive) == ([left], [])


def test_a_process_is_killed_when_its_block_fails() -> None:
    with pytest.raises(KeyError), child(SLEEP) as process:
        raise KeyError
    assert process.returncode == -signal.SIGKILL

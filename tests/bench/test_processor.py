"""Processor time of the processes of a stack."""

import os
import subprocess
import sys
from pathlib import Path

import psutil

from bench.processor import STACK, part_clocks, stack_parts

SCRIPT = "import time\nwhile time.process_time() < 0.1: pass\nprint('busy', flush=True)\ninput()"
MARK = "kafka.Kafka"


def test_processes_are_those_with_the_folder_of_the_stack(tmp_path: Path) -> None:
    environment = os.environ | {STACK: str(tmp_path)}
    command = [sys.executable, "-c", SCRIPT, MARK]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as broker:
        assert broker.stdout is not None and broker.stdout.readline() == b"busy\n"
        assert [process.pid for process in stack_parts(tmp_path)["broker"]] == [broker.pid]
        assert not any(stack_parts(tmp_path / "other").values())
        clocks = part_clocks(tmp_path, psutil.Process())
        assert {"broker", "taskmanagers", "loop"} <= set(clocks)
        assert 50_000 <= clocks["broker"]() < 10_000_000
        broker.communicate(b"\n")
    assert clocks["broker"]() == 0
    assert clocks["loop"]() > 0

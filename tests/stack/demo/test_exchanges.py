"""Simulators and forwarders of the demo: started in order, ended with the demo."""

import signal
import socket
from pathlib import Path

import pytest

from stack.demo.exchanges import exchanges
from stack.services.progress import Progress


def test_all_simulators_listen_and_all_children_end_at_ctrl_c_even_where_interrupts_are_ignored(
    tmp_path: Path,
) -> None:
    (tmp_path / "logs").mkdir()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), exchanges(tmp_path, Progress()) as running:
            children = [child.process for child in running._children]
            assert len(children) == 8
            served = [child.args for child in children if "simulate" in child.args]
            ports = [int(args[args.index("--port") + 1]) for args in served]
            for port in ports:  # before any forwarder was started
                socket.create_connection(("127.0.0.1", port)).close()
            for turn in range(len(ports) * 2):
                running.plant(turn)
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, before)
    assert all(child.returncode is not None for child in children)

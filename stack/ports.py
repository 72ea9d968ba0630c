"""Ports that are taken: by whom, and which setting moves ours."""

import socket

import psutil

from stack.errors import StackError
from stack.settings import LOOPBACK


def check_ports(ports: dict[str, int]) -> None:
    """Raise if something listens on one of these, given by setting; every such port is in the message."""
    taken = taken_ports(ports)
    if taken:
        raise StackError(
            "; ".join(f"port {port} is taken{port_holder(port)}" for port in taken.values()),
            "Stop that, or move ours: " + " ".join(f"{name}={_elsewhere(port)}" for name, port in taken.items()),
        )


def taken_ports(ports: dict[str, int]) -> dict[str, int]:
    """Those of them that cannot be bound now."""
    return {name: port for name, port in ports.items() if not _free(port)}


def port_holder(port: int) -> str:
    """Who listens there, as far as this user may know: ` by java (pid 4711)`, or nothing."""
    try:
        listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.pid]
        pids = {c.pid for c in listening if c.laddr and c.laddr.port == port}
        return "".join(f" by {psutil.Process(pid).name()} (pid {pid})" for pid in pids)
    except (psutil.Error, OSError):
        return ""


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT can be bound
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _elsewhere(port: int) -> int:
    return next(
        candidate for candidate in range(port + 10_000 if port < 55_000 else 20_000, 65_536) if _free(candidate)
    )

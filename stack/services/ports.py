"""Ports that are taken: the listening process, and the setting that moves ours."""

import socket

import psutil

from stack.services.errors import StackError
from stack.services.settings import LOOPBACK


def check_ports(ports: dict[str, int]) -> None:
    """Raises StackError that names every taken port. `ports`: port by the setting that moves it."""
    taken = taken_ports(ports)
    if taken:
        raise StackError(
            "; ".join(f"port {port} is taken{listener(port)}" for port in taken.values()),
            "Stop that process, or move ours: "
            + " ".join(f"{name}={_free_alternative(port)}" for name, port in taken.items()),
        )


def taken_ports(ports: dict[str, int]) -> dict[str, int]:
    """The subset of `ports` that cannot be bound at the moment."""
    return {name: port for name, port in ports.items() if not _is_free(port)}


def listener(port: int) -> str:
    """The process that listens on a port, ` by java (pid 4711)`; empty if this user may not see it."""
    try:
        listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.pid]
        pids = {c.pid for c in listening if c.laddr and c.laddr.port == port}
        return "".join(f" by {psutil.Process(pid).name()} (pid {pid})" for pid in pids)
    except (psutil.Error, OSError):
        return ""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT can be bound
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _free_alternative(port: int) -> int:
    return next(
        candidate for candidate in range(port + 10_000 if port < 55_000 else 20_000, 65_536) if _is_free(candidate)
    )

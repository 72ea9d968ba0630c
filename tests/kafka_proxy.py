"""A proxy before a Kafka broker that can keep the ends of transactions from it."""

import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from threading import Event, Thread

from stack.services.settings import LOOPBACK

END_TXN = 26  # key of Kafka's request that commits or aborts a transaction


class KafkaProxy:
    """Passes bytes on. While `holds_ends` is set, a connection that asks to end a transaction is cut instead.

    `held` is set when one was cut.
    """

    def __init__(self) -> None:
        self.holds_ends, self.held = Event(), Event()
        self._listener = socket.create_server((LOOPBACK, 0))
        self._broker_port = 0

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._listener.getsockname()[1]}"

    def properties(self, listeners: str) -> dict[str, str]:
        """The property with which a broker of these listeners directs all clients to this proxy."""
        self._broker_port = int(listeners.split(",")[0].rpartition(":")[2])
        return {"advertised.listeners": f"PLAINTEXT://{self.address}"}

    def run(self) -> None:
        """Serve until the proxy is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._serve, args=(client,), daemon=True).start()

    def close(self) -> None:
        """End `run`."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, client: socket.socket) -> None:
        with (
            suppress(OSError),
            closing(client),
            closing(socket.create_connection((LOOPBACK, self._broker_port))) as broker,
        ):
            back = Thread(target=_copy, args=(broker, client), daemon=True)
            back.start()
            for request in _requests(client):
                if self.holds_ends.is_set() and struct.unpack(">h", request[4:6])[0] == END_TXN:
                    self.held.set()
                    break
                broker.sendall(request)


def _requests(client: socket.socket) -> Iterator[bytes]:
    """Requests of one connection, each with its length before it."""
    with client.makefile("rb") as stream:
        while head := stream.read(4):
            yield head + stream.read(struct.unpack(">i", head)[0])


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def kafka_proxy() -> Iterator[KafkaProxy]:
    """A proxy that serves until the block ends."""
    proxy = KafkaProxy()
    thread = Thread(target=proxy.run)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()

"""A broker that does not respond is found within seconds."""

import socket
from threading import Timer
from time import monotonic

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from core import kafka_client
from core.kafka_client import await_broker, connect


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_closed_port_is_reported_within_the_time() -> None:
    start = monotonic()
    with pytest.raises(ConnectionRefusedError):
        await_broker({"bootstrap_servers": f"127.0.0.1:{free_port()}"}, 0.5)
    assert monotonic() - start < 2


def test_one_server_that_accepts_is_enough() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        await_broker({"bootstrap_servers": f"127.0.0.1:{free_port()},127.0.0.1:{port}"}, 5)


def test_a_server_that_starts_within_the_time_is_awaited() -> None:
    port = free_port()
    servers: list[socket.socket] = []
    timer = Timer(0.3, lambda: servers.append(socket.create_server(("127.0.0.1", port))))
    timer.start()
    await_broker({"bootstrap_servers": f"127.0.0.1:{port}"}, 5)
    timer.join()
    servers[0].close()


@pytest.mark.parametrize("open_client", [KafkaConsumer, KafkaProducer, KafkaAdminClient])
def test_a_server_that_never_responds_is_reported_within_the_time(
    open_client: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_client, "RESPONDS_WITHIN_MS", 500)
    with socket.create_server(("127.0.0.1", 0)) as server:
        start = monotonic()
        with pytest.raises(KafkaError):
            connect(open_client, {"bootstrap_servers": f"127.0.0.1:{server.getsockname()[1]}"})
        assert monotonic() - start < 6

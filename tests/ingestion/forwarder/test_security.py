"""TLS and SASL: all clients of a forwarder and of Flink against a SASL_SSL listener of the embedded broker."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from pydantic import SecretStr

from core.kafka_client import python_client_options
from core.topics import RAW_BOOKS
from ingestion.forwarder.settings import ForwardSettings
from ingestion.producer import DeliveryError, ProducerConfig, RawProducer
from market.orderbook.book_config import BookConfig
from simulator import Config, Simulator, simulator
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from tests.broker import OwnBroker, own_broker, records
from tests.conftest import Stack, free_ports
from tests.ingestion.forwarder.harness import eventually, kafka_forwarder, settings, time_limit
from tests.jobs.isolated_system import IsolatedSystem, wait_until
from venues.registry import open_builder

USER, PASSWORD = "forwarder", 'it"s secret'


@pytest.fixture(scope="module")
def secured_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OwnBroker, str, Path]]:
    """A broker, the address of its SASL_SSL listener, and the certificate of its authority."""
    folder = tmp_path_factory.mktemp("secured")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    (folder / "broker.pem").write_bytes(
        pkcs8(certificate.private_key_pem.bytes()) + b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    )
    port = free_ports(1)[0]
    jaas = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{escaped(PASSWORD)}";'
    with own_broker(
        folder / "broker",
        lambda listeners: {
            "listeners": f"{listeners},SASL_SSL://127.0.0.1:{port}",
            "advertised.listeners": f"{listeners.split(',')[0]},SASL_SSL://127.0.0.1:{port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_ssl.plain.sasl.jaas.config": escaped(jaas),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(folder / "broker.pem"),
        },
    ) as broker:
        yield broker, f"127.0.0.1:{port}", folder / "ca.pem"


def pkcs8(key_pem: bytes) -> bytes:
    """Private key in PKCS #8, the only format that Java reads."""
    key = serialization.load_pem_private_key(key_pem, None)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def login(address: str, authority: Path, password: str = PASSWORD) -> dict[str, Any]:
    return {
        "kafka_bootstrap_servers": address,
        "kafka_security_protocol": "SASL_SSL",
        "kafka_sasl_username": USER,
        "kafka_sasl_password": SecretStr(password),
        "kafka_ssl_ca": authority,
    }


def secured_settings(
    exchange: Simulator, address: str, authority: Path, folder: Path, password: str
) -> ForwardSettings:
    return settings(exchange, folder, **login(address, authority, password))


@time_limit(120)
async def test_frames_pass_through_tls_and_sasl(secured_broker: tuple[OwnBroker, str, Path], tmp_path: Path) -> None:
    broker, address, authority = secured_broker
    async with simulator(Config("kraken", rate=20)) as exchange:
        config = secured_settings(exchange, address, authority, tmp_path, PASSWORD)
        forwarder, stop = kafka_forwarder(config), asyncio.Event()
        task = asyncio.create_task(forwarder.run(stop))
        await eventually(lambda: forwarder.producers[0].client.acknowledged_bytes > 10_000)
        stop.set()
        await task
    assert len(list(records(broker.address, RAW_BOOKS.name))) > 10


@time_limit(60)
async def test_a_wrong_password_is_refused(secured_broker: tuple[OwnBroker, str, Path], tmp_path: Path) -> None:
    _, address, authority = secured_broker
    async with simulator(Config("kraken")) as exchange:
        security = python_client_options(secured_settings(exchange, address, authority, tmp_path, "wrong"))
        with pytest.raises(DeliveryError, match=f"no Kafka broker at {address} over SASL_SSL as {USER}"):
            await asyncio.to_thread(RawProducer.connect, ProducerConfig(address, security=security))


def test_the_books_job_reads_and_writes_through_tls_and_sasl(
    stack: Stack, secured_broker: tuple[OwnBroker, str, Path]
) -> None:
    broker, address, authority = secured_broker
    system = IsolatedSystem(replace(stack, kafka=broker.address), "secure.", **login(address, authority))
    frames = [msgspec.json.encode(each) for each in islice(Generator(Plan((instrument("kraken", "BTC/USD"),))), 200)]
    expected = open_builder("kraken:BTC/USD", BookConfig()).apply_all(frames).processed
    with system.running("books"):
        system.send(("orderbook.raw", "kraken:BTC/USD", frame) for frame in frames)
        wait_until(lambda: system.count("orderbook.processed") >= len(expected), "metrics of every update")
    assert system.read("orderbook.processed") == {"kraken:BTC/USD": expected}

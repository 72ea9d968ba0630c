"""Kafka client options, with TLS and SASL, in the names of kafka-python and of the Java client."""

import socket
from collections.abc import Callable, Mapping
from time import monotonic, sleep
from typing import Any, TypeVar

from core.settings import Settings

# The connector jar of Flink relocates its Kafka classes, so the login module needs the relocated class name.
JAVA_PACKAGE = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security"
JAVA_LOGIN = {"PLAIN": "plain.PlainLoginModule"}
JAVA_SCRAM = "scram.ScramLoginModule"

Client = TypeVar("Client")

REACHABLE_WITHIN_S = 2.0
RESPONDS_WITHIN_MS = 10_000  # a server that accepts connections and does not respond within this time is no broker
RETRY_S = 0.2
DEFAULT_PORT = 9092


def python_client_options(settings: Settings, bootstrap_servers: str = "") -> dict[str, Any]:
    """Return options for kafka-python. `bootstrap_servers` overrides the setting."""
    options: dict[str, Any] = {
        "bootstrap_servers": bootstrap_servers or settings.kafka_bootstrap_servers,
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_ssl_ca is not None:
        options["ssl_cafile"] = str(settings.kafka_ssl_ca)
    if settings.kafka_ssl_certificate is not None:
        options["ssl_certfile"] = str(settings.kafka_ssl_certificate)
    if settings.kafka_security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    return options


def connect(open_client: Callable[..., Client], options: Mapping[str, Any], **more: Any) -> Client:
    """Open a client of kafka-python with these options. Raises KafkaError or OSError within twelve seconds.

    An open client waits for an unreachable broker according to its own options.
    """
    await_broker(options)
    return open_client(**{**options, **more, "bootstrap_timeout_ms": RESPONDS_WITHIN_MS})


def await_broker(client: Mapping[str, Any], timeout_s: float = REACHABLE_WITHIN_S) -> None:
    """Return when one of the servers of a client with these options accepts a TCP connection.

    Raises OSError after `timeout_s`: Kafka's own clients need up to half a minute to find out.
    """
    servers = [_address(server) for server in str(client["bootstrap_servers"]).split(",")]
    deadline = monotonic() + timeout_s
    failure: OSError = TimeoutError("no response")
    while True:
        for address in servers:
            try:
                socket.create_connection(address, max(deadline - monotonic(), RETRY_S) / len(servers)).close()
            except OSError as error:
                failure = error
            else:
                return
        if monotonic() + RETRY_S >= deadline:
            raise failure
        sleep(RETRY_S)


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.strip().rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdigit() else (server.strip(), DEFAULT_PORT)


def no_broker_message(client: Mapping[str, Any], error: Exception) -> str:
    """Return the error text for a client with these options that reached no broker or was refused."""
    cause = f"no Kafka broker at {broker_address(client)} ({error})"
    return f"{cause}: start one with `depthflow up`, or set KAFKA_BOOTSTRAP_SERVERS"


def broker_address(client: Mapping[str, Any]) -> str:
    """Return the servers of a client with these options, with protocol and user unless the protocol is PLAINTEXT."""
    protocol, user = client.get("security_protocol", "PLAINTEXT"), client.get("sasl_plain_username")
    protocol_and_user = "" if protocol == "PLAINTEXT" else f" over {protocol}" + (f" as {user}" if user else "")
    return f"{client['bootstrap_servers']}{protocol_and_user}"


def java_client_options(settings: Settings) -> dict[str, str]:
    """Return properties for the Java client inside Flink's SQL connector."""
    options = {"bootstrap.servers": settings.kafka_bootstrap_servers}
    if settings.kafka_security_protocol == "PLAINTEXT":
        return options
    options["security.protocol"] = settings.kafka_security_protocol
    if settings.kafka_ssl_ca is not None:
        options |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(settings.kafka_ssl_ca)}
    if settings.kafka_ssl_certificate is not None:
        options |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(settings.kafka_ssl_certificate)}
    if settings.kafka_security_protocol.startswith("SASL"):
        options["sasl.mechanism"] = settings.kafka_sasl_mechanism
        options["sasl.jaas.config"] = _jaas(settings)
    return options


def _jaas(settings: Settings) -> str:
    module = JAVA_LOGIN.get(settings.kafka_sasl_mechanism, JAVA_SCRAM)
    login = {"username": settings.kafka_sasl_username, "password": settings.kafka_sasl_password.get_secret_value()}
    quoted = (f'{name}="{_escape(value)}"' for name, value in login.items())
    return f"{JAVA_PACKAGE}.{module} required {' '.join(quoted)};"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')

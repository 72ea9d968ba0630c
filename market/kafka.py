"""The settings of a Kafka client as its family spells them: TLS and SASL by configuration alone."""

from collections.abc import Mapping
from typing import Any

from market.settings import Settings

# The fat connector jar of Flink renames the classes inside it, and the login module is named by text.
JAVA_PACKAGE = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security"
JAVA_LOGIN = {"PLAIN": "plain.PlainLoginModule"}
JAVA_SCRAM = "scram.ScramLoginModule"


def python_client(settings: Settings, bootstrap_servers: str = "") -> dict[str, Any]:
    """Options of kafka-python's clients. `bootstrap_servers` overrides the setting."""
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


def no_broker(client: Mapping[str, Any], error: Exception) -> str:
    """What to say when a client of these options (`python_client`) found no broker, or was not let in."""
    return (
        f"no Kafka broker at {address(client)} ({error}): start one with `depthflow up`, or set KAFKA_BOOTSTRAP_SERVERS"
    )


def address(client: Mapping[str, Any]) -> str:
    """Where a client of these options goes, and how it introduces itself there, unless that is plain text."""
    protocol, user = client.get("security_protocol", "PLAINTEXT"), client.get("sasl_plain_username")
    manner = "" if protocol == "PLAINTEXT" else f" over {protocol}" + (f" as {user}" if user else "")
    return f"{client['bootstrap_servers']}{manner}"


def java_client(settings: Settings) -> dict[str, str]:
    """Properties of the Java client inside Flink's SQL connector."""
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

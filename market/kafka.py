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


def manner(client: Mapping[str, Any]) -> str:
    """How `python_client` has a client introduce itself, for a message that it was not let in; "" for plain text."""
    protocol, user = client.get("security_protocol", "PLAINTEXT"), client.get("sasl_plain_username")
    return "" if protocol == "PLAINTEXT" else f" over {protocol}" + (f" as {user}" if user else "")


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

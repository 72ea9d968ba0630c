"""Configuration of the containers, tested without a Docker engine. No test here starts them."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests import containers


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testcontainers.core.container.DockerClient", lambda **_: SimpleNamespace())


def environment(container: Any) -> dict[str, str]:
    container._configure()
    return {str(key): str(value) for key, value in container.env.items()}


def test_redpanda_serves_kafka_on_9092() -> None:
    container = containers.redpanda()
    assert container.image == "docker.redpanda.com/redpandadata/redpanda:v25.3.6"
    assert 9092 in {int(str(port).split("/")[0]) for port in container.ports}


def test_timescale_has_our_database_and_a_random_password() -> None:
    first, second = environment(containers.timescale()), environment(containers.timescale())
    assert containers.timescale().image == "timescale/timescaledb:2.29.2-pg18"
    assert (first["POSTGRES_DB"], first["POSTGRES_USER"]) == ("depthflow", "depthflow")
    assert len(first["POSTGRES_PASSWORD"]) > 16 and first["POSTGRES_PASSWORD"] != second["POSTGRES_PASSWORD"]


def test_redis_requires_a_password() -> None:
    container = containers.redis()
    assert container.image == "redis:7.4"
    assert container.password and container.password in str(container._command)

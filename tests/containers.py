"""Redpanda, TimescaleDB and Redis in containers, for `pytest --stack containers`."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from testcontainers.community.kafka import RedpandaContainer
from testcontainers.community.postgres import PostgresContainer
from testcontainers.community.redis import RedisContainer

from core.resources import DATA
from core.settings import Settings
from ingestion.topics import ensure_topics
from stack.services.credentials import DATABASE, OWNER

SCHEMA = DATA / "init-db.sql"


def redpanda() -> RedpandaContainer:
    return RedpandaContainer("docker.redpanda.com/redpandadata/redpanda:v25.3.6")


def timescale() -> PostgresContainer:
    password = secrets.token_urlsafe(16)
    return PostgresContainer(
        "timescale/timescaledb:2.29.2-pg18", username=OWNER, password=password, dbname=DATABASE, driver=None
    )


def redis() -> RedisContainer:
    return RedisContainer("redis:7.4", password=secrets.token_urlsafe(16))


@contextmanager
def start_containers() -> Iterator[dict[str, str]]:
    """Start all three and create topics and tables. Yields the addresses by the field names of `Stack`."""
    with redpanda() as broker, timescale() as database, redis() as cache:
        kafka, dsn = broker.get_bootstrap_server(), database.get_connection_url()
        ensure_topics(kafka, Settings().topic_partitions)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(SCHEMA.read_bytes())
        address = f"{cache.get_container_host_ip()}:{cache.get_exposed_port(cache.port)}"
        yield {"kafka": kafka, "postgres_dsn": dsn, "redis_url": f"redis://:{cache.password}@{address}/0"}

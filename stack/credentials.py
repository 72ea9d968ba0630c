"""Passwords of the local stack: random, made at the first start, kept in a file that only its owner may read."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from stack.settings import LOOPBACK, StackSettings

DATABASE = "depthflow"
OWNER, WRITER, READER = "depthflow", "depthflow_writer", "grafana"
ROLES = {OWNER: "POSTGRES_PASSWORD", WRITER: "POSTGRES_WRITER_PASSWORD", READER: "GRAFANA_PASSWORD"}
REDIS_PASSWORD = "REDIS_PASSWORD"


@dataclass(frozen=True)
class Credentials:
    """The passwords, and where they lead."""

    passwords: dict[str, str]  # by the name they have in the file

    def postgres_dsn(self, settings: StackSettings, role: str = OWNER) -> str:
        password = self.passwords[ROLES[role]]
        return f"postgresql://{role}:{password}@{LOOPBACK}:{settings.postgres_port}/{DATABASE}"

    def redis_url(self, settings: StackSettings) -> str:
        # With its user's name: redis-cli sends an empty one as it is, and is refused.
        return f"redis://default:{self.passwords[REDIS_PASSWORD]}@{LOOPBACK}:{settings.redis_port}/0"


def credentials_file(home: Path) -> Path:
    """`KEY=value` lines: the passwords, and the addresses that programs are given."""
    return home / "credentials.env"


def load_credentials(settings: StackSettings) -> Credentials:
    """The stack's passwords; new ones if it has none yet."""
    kept = read_environment(settings.home)
    names = (*ROLES.values(), REDIS_PASSWORD)
    return Credentials({name: kept.get(name) or secrets.token_urlsafe(24) for name in names})


def write_environment(settings: StackSettings, credentials: Credentials, more: dict[str, str]) -> None:
    """Write the file that says how to reach this stack, in the names that every program of the project reads."""
    reached = {
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap,
        "POSTGRES_DSN": credentials.postgres_dsn(settings, WRITER),
        "REDIS_URL": credentials.redis_url(settings),
    }
    values = credentials.passwords | reached | more
    file = credentials_file(settings.home)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as out:
        out.writelines(f"{key}={value}\n" for key, value in values.items())


def read_environment(home: Path) -> dict[str, str]:
    """What `write_environment` wrote; empty before the first start."""
    return {key: value for key, value in dotenv_values(credentials_file(home)).items() if value is not None}

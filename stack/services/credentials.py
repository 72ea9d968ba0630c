"""Passwords of the local stack: generated at the first start, stored in a file that only its owner may read."""

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from core.settings import STACK_FILE
from stack.services.errors import StackError
from stack.services.secret_file import write_secret
from stack.services.settings import LOOPBACK, TRANSACTION_TIMEOUT_S, StackSettings

DATABASE = "depthflow"
OWNER, WRITER, READER = "depthflow", "depthflow_writer", "grafana"
GATEWAY_READER, ACCOUNTS = "depthflow_reader", "depthflow_accounts"
ROLES = {
    OWNER: "POSTGRES_PASSWORD",
    WRITER: "POSTGRES_WRITER_PASSWORD",
    READER: "GRAFANA_PASSWORD",
    GATEWAY_READER: "POSTGRES_READER_PASSWORD",
    ACCOUNTS: "POSTGRES_ACCOUNTS_PASSWORD",
}
REDIS_PASSWORD = "REDIS_PASSWORD"
GATEWAY_USER = "depthflow"
GATEWAY_SECRETS = ("JWT_SECRET", "GATEWAY_PASSWORD")
PASSWORDS = (*ROLES.values(), REDIS_PASSWORD, *GATEWAY_SECRETS)


@dataclass(frozen=True)
class Credentials:
    """The passwords, and the connection strings made of them."""

    passwords: dict[str, str]  # by their name in the file

    def postgres_dsn(self, settings: StackSettings, role: str = OWNER) -> str:
        password = self.passwords[ROLES[role]]
        return f"postgresql://{role}:{password}@{LOOPBACK}:{settings.postgres_port}/{DATABASE}"

    def redis_url(self, settings: StackSettings) -> str:
        # The user name is needed: redis-cli sends an empty one as it is, and the server refuses that.
        return f"redis://default:{self.passwords[REDIS_PASSWORD]}@{LOOPBACK}:{settings.redis_port}/0"


def credentials_file(home: Path) -> Path:
    """File of `KEY=value` lines: passwords and addresses, which `core.settings.Settings` reads."""
    return home / STACK_FILE


def load_credentials(settings: StackSettings) -> Credentials:
    """The stack's passwords; new ones where it has none yet."""
    stored = dotenv_values(credentials_file(settings.home))
    return Credentials({name: stored.get(name) or secrets.token_urlsafe(24) for name in PASSWORDS})


def require_passwords(settings: StackSettings) -> None:
    """Raise StackError if a password of the running stack is missing from its file."""
    path = credentials_file(settings.home)
    stored = dotenv_values(path)
    if missing := [name for name in PASSWORDS if not stored.get(name)]:
        raise StackError(
            f"{path} lacks {', '.join(missing)}, and the stack runs with the old value",
            "`depthflow down`, then `depthflow up` sets a new one",
        )


def passed_on(settings: StackSettings, names: Iterable[str]) -> dict[str, str]:
    """Variables of this process that a program of the stack gets, without those that it reads from the stack's file."""
    stored = dotenv_values(credentials_file(settings.home))
    return {name: os.environ[name] for name in sorted(names) if name in os.environ and name not in stored}


def write_environment(settings: StackSettings, credentials: Credentials, flink: dict[str, str]) -> None:
    """Write passwords and addresses of this stack under the names of the project's settings. `flink`: its part."""
    addresses = {
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap,
        "POSTGRES_DSN": credentials.postgres_dsn(settings, WRITER),
        "READER_POSTGRES_DSN": credentials.postgres_dsn(settings, GATEWAY_READER),
        "ACCOUNTS_POSTGRES_DSN": credentials.postgres_dsn(settings, ACCOUNTS),
        "REDIS_URL": credentials.redis_url(settings),
        "GATEWAY_USER": GATEWAY_USER,
        "SERVE_PORT": str(settings.serve_port),
        "SERVE_SOCKET_PORT": str(settings.serve_socket_port),
        "DASHBOARD_PORT": str(settings.dashboard_port),
        "TRANSACTION_TIMEOUT_S": str(TRANSACTION_TIMEOUT_S),
        "BUILDER_CACHE_MB": str(settings.builder_cache_mb),
    }
    values = credentials.passwords | addresses | flink
    write_secret(credentials_file(settings.home), "".join(f"{key}={value}\n" for key, value in values.items()))

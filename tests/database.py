"""A PostgreSQL server for the test session, from the embedded package: starts in two seconds without the stack."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from core.resources import DATA
from stack.services import postgres
from stack.services.credentials import OWNER, Credentials, load_credentials
from stack.services.settings import LOOPBACK, StackSettings
from tests.conftest import free_ports


@dataclass(frozen=True)
class Database:
    """One server. `dsn`: connection string of one of its databases, as the owner; `psql` runs the real client."""

    settings: StackSettings
    credentials: Credentials

    def dsn(self, name: str, role: str = OWNER) -> str:
        return self.credentials.postgres_dsn(self.settings, role).rpartition("/")[0] + f"/{name}"

    def create(self, name: str) -> str:
        """A new database, empty; its DSN."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.dsn(name)

    def psql(self, dsn: str, script: Path = DATA / "init-db.sql") -> str:
        """Run a script with psql and return its stderr."""
        command = [postgres.binaries(self.settings) / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", script, dsn]
        return subprocess.run(command, check=True, capture_output=True, text=True).stderr


@contextmanager
def running_database(home: Path) -> Iterator[Database]:
    """A server on a free port; its data are deleted at the end."""
    settings = StackSettings(depthflow_home=home, postgres_port=free_ports(1)[0])
    try:
        with serving(settings, load_credentials(settings)) as database:
            yield database
    finally:
        shutil.rmtree(postgres.shared_folder(settings), ignore_errors=True)


@contextmanager
def serving(settings: StackSettings, credentials: Credentials) -> Iterator[Database]:
    """A server with the data of this stack, which stay."""
    postgres.prepare(settings, credentials)
    program = postgres.program(settings)
    identity: dict[str, Any] = {}
    if program.user:
        entry = pwd.getpwnam(program.user)
        identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    with open(settings.home / "postgres.log", "wb") as log:
        server = subprocess.Popen(program.command, cwd="/", stdout=log, stderr=log, env=os.environ, **identity)
    try:
        ready = [postgres.binaries(settings) / "pg_isready", "-h", LOOPBACK, "-p", str(settings.postgres_port)]
        while subprocess.run([*ready, "-t", "5"], capture_output=True).returncode:
            assert server.poll() is None, (settings.home / "postgres.log").read_text()
            time.sleep(0.05)
        yield Database(settings, credentials)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)

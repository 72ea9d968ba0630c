"""Three sample queries of the running system, written as a user types them in a shell, and their results."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from core.settings import Settings
from stack.services.credentials import credentials_file
from stack.services.errors import StackError
from stack.services.polling import poll_until
from stack.services.postgres import psql_link

SUMMARY = (
    "SELECT venue, symbol, best_bid, best_ask, imbalance::numeric(5,3), alerts_1h "
    "FROM dashboard_summary ORDER BY venue, symbol"
)
BOOK = "orderbook:binance:BTCUSDT:latest"
LINES = 18  # lines of a book's JSON with the metrics, which come before the levels
EMPTY_RESULTS = ("Empty set", "(0 rows)")
RESULT_S = 30  # tables and cache follow the live tables within a second, on a busy machine within several


@dataclass(frozen=True)
class SampleQuery:
    """A shell command, and the call that runs it; the call returns an empty text while there is no result."""

    system: str
    command: str
    run: Callable[[], str]

    def result(self) -> str:
        """The first result that is not empty. Raises StackError when there is none in time."""
        return poll_until(
            self.run,
            RESULT_S,
            lambda: StackError(f"{self.system} has no result for {self.command}", "`depthflow status` shows the jobs"),
            pause_s=0.5,
        )


def sample_queries(settings: Settings) -> list[SampleQuery]:
    """One query of Flink, one of PostgreSQL, one of Redis."""
    flink = f"{program()} sql --query top_imbalance --set top=5"
    postgres = f'{shell_path(psql_link(settings.home))} "$POSTGRES_DSN" -c "{SUMMARY}"'
    redis = f'redis-cli -u "$REDIS_URL" GET {BOOK} | python3 -m json.tool | head -n {LINES}'
    return [
        SampleQuery("Flink SQL", flink, lambda: _shell_output(settings, flink)),
        SampleQuery("PostgreSQL", postgres, lambda: _shell_output(settings, postgres)),
        SampleQuery("Redis", redis, lambda: _cached_book(settings)),
    ]


def export_addresses(settings: Settings) -> str:
    """The shell command that sets the addresses and passwords which the queries refer to."""
    return f"set -a; . {shell_path(credentials_file(settings.home))}; set +a"


def program() -> str:
    """`depthflow` as a user types it: the bare name if the PATH leads to this installation, else its path."""
    installed = Path(sys.executable).with_name("depthflow")
    return installed.name if shutil.which(installed.name) == str(installed) else shell_path(installed)


def shell_path(path: Path) -> str:
    """A path quoted for a shell, relative if it lies below the working folder."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _shell_output(settings: Settings, command: str) -> str:
    """The output of a command in a shell that knows the stack's addresses; empty for a result without rows."""
    environment = os.environ | settings.environment() | {"DEPTHFLOW_HOME": str(settings.home)}
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise StackError(f"{command} failed", "Its output:", (done.stderr or done.stdout).strip())
    return "" if any(text in done.stdout for text in EMPTY_RESULTS) else done.stdout.strip("\n")


def _cached_book(settings: Settings) -> str:
    """The output of the Redis command, fetched by the client library: none of our packages brings redis-cli."""
    with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        book = redis.get(BOOK)
    return "\n".join(json.dumps(json.loads(book), indent=4).splitlines()[:LINES]) if book else ""

"""Three questions that anybody can ask of the running system, as one types them, and their answers."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from market.settings import Settings
from stack.credentials import credentials_file
from stack.errors import StackError
from stack.patience import awaited
from stack.postgres import client
from stack.settings import StackSettings

SUMMARY = (
    "SELECT venue, symbol, best_bid, best_ask, imbalance::numeric(5,3), alerts_1h "
    "FROM dashboard_summary ORDER BY venue, symbol"
)
BOOK = "orderbook:binance:BTCUSDT:latest"
LINES = 18  # of a book: what was measured of it, before its levels
NOTHING_YET = ("Empty set", "(0 rows)")
PATIENCE_S = 30  # what was seen live is in tables and cache a second later, on a busy machine some


@dataclass(frozen=True)
class Question:
    """What one types, and how it is asked: that gives the answer, or nothing while there is none."""

    whom: str
    typed: str
    ask: Callable[[], str]

    def answer(self) -> str:
        """The answer. Raises StackError when there is none in time."""
        return awaited(
            self.ask,
            PATIENCE_S,
            lambda: StackError(f"{self.whom} has no answer to {self.typed}", "`depthflow status` shows the jobs"),
            pause_s=0.5,
        )


def questions(settings: StackSettings) -> list[Question]:
    """One to Flink, one to PostgreSQL, one to Redis."""
    flink = f"{program()} sql --query top_imbalance --set top=5"
    postgres = f'{as_typed(client(settings))} "$POSTGRES_DSN" -c "{SUMMARY}"'
    redis = f'redis-cli -u "$REDIS_URL" GET {BOOK} | python3 -m json.tool | head -n {LINES}'
    return [
        Question("Flink SQL", flink, lambda: _said(flink)),
        Question("PostgreSQL", postgres, lambda: _said(postgres)),
        Question("Redis", redis, _kept_book),
    ]


def addresses(settings: StackSettings) -> str:
    """What one types first: the shell then knows the addresses and passwords that the questions name."""
    return f"set -a; . {as_typed(credentials_file(settings.home))}; set +a"


def program() -> str:
    """How this command line is typed: by its name where the path leads to it."""
    own = Path(sys.executable).with_name("depthflow")
    return own.name if shutil.which(own.name) == str(own) else as_typed(own)


def as_typed(path: Path) -> str:
    """A path for a shell, from here if it lies below."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _said(command: str) -> str:
    """What a shell prints."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    if done.returncode:
        raise StackError(f"{command} failed", "It said:", (done.stderr or done.stdout).strip())
    return "" if any(nothing in done.stdout for nothing in NOTHING_YET) else done.stdout.strip("\n")


def _kept_book() -> str:
    """What the line prints. The library makes the request: none of our packages brings redis-cli along."""
    with Redis.from_url(Settings().redis_url.get_secret_value()) as redis:
        book = redis.get(BOOK)
    return "\n".join(json.dumps(json.loads(book), indent=4).splitlines()[:LINES]) if book else ""

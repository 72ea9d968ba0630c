"""What a session of Flink's SQL client begins with: the relations of `sql/`, and where they are read from.

A session reads for itself: its sources begin at a time, belong to no consumer group and commit nothing, so that no
query moves a job.
"""

import re
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from urllib.parse import urlparse

from jobs.connectors import sql_options, with_clause
from jobs.relations import SQL, files, statement
from market import topics
from market.errors import UserError
from market.settings import Settings

NAME = "sql"
READS = (topics.RAW_BOOKS, topics.RAW_TRADES, topics.RAW_OPTIONS)
_COMMENT = re.compile(r"^--.*$", re.MULTILINE)
_MENTIONED = re.compile(r"\b(?:FROM|JOIN|TABLE|LIKE)\s+(\w+)|\b(\w+)\(")


def relations(wanted: str | None = None, root: Path = SQL) -> list[str]:
    """Relations of `sql/` as paths below it, each after those that it is made of.

    All of them, or those that the query with the text `wanted` is made of.
    """
    known = files(root)
    needs = {name: _mentioned(path.read_text()) & known.keys() - {name} for name, path in known.items()}
    order = list(TopologicalSorter(needs).static_order())
    if wanted is not None:
        reached = _closure(_mentioned(wanted) & known.keys(), needs)
        order = [name for name in order if name in reached]
    return [f"{known[name].parent.name}/{name}" for name in order]


def session_options(settings: Settings, since_ms: int | None, ends: bool) -> dict[str, str]:
    """What the relations ask for in a session whose sources begin `since_ms` (epoch ms, by the broker's stamps).

    None: with the oldest record. `ends`: they end with what the topics hold now, so that a query does. Raises UserError
    without a database to write to.
    """
    if not settings.postgres_dsn.get_secret_value():
        raise UserError("POSTGRES_DSN is not set, and tables of the session lead there: `depthflow up`, or set it")
    start = {"scan.startup.mode": "earliest-offset"}
    if since_ms is not None:
        start = {"scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": str(since_ms)}
    end = {"scan.bounded.mode": "latest-offset"} if ends else {}
    own = {
        "start": with_clause(start | end),
        "reads": ";".join(settings.topic_prefix + topic.name for topic in READS),
        "writes": ";".join(settings.topic_prefix + topic.name for topic in topics.TOPICS),
    }
    return sql_options(settings, NAME) | own


def script(names: Iterable[str], options: Mapping[str, str], settings: Settings, ends: bool) -> str:
    """The session's first statements: where its jobs run, then the relations. Holds credentials."""
    cluster = urlparse(settings.flink_rest_url)
    session = {
        "execution.target": "remote",
        "rest.address": cluster.hostname or "localhost",
        "rest.port": str(cluster.port or 8081),
        "table.local-time-zone": "UTC",
        "table.display.max-column-width": "60",
    }
    if ends:
        session |= {"execution.runtime-mode": "batch", "sql-client.execution.result-mode": "tableau"}
    settled = [f"SET '{key}' = '{value}'" for key, value in session.items()]
    return "".join(f"{one};\n\n" for one in (*settled, *(statement(name, options).rstrip() for name in names)))


def _mentioned(text: str) -> set[str]:
    return {name for found in _MENTIONED.findall(_COMMENT.sub("", text)) for name in found if name}


def _closure(names: set[str], needs: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    while names:
        found |= names
        names = set().union(*(needs[name] for name in names)) - found
    return found

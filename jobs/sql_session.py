"""First statements of a session of Flink's SQL client: the relations of `sql/`, and the start of their sources.

A session is independent of the jobs: its sources start at a time, belong to no consumer group and commit no offsets.
"""

import re
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from urllib.parse import urlparse

from core import topics
from core.errors import UserError
from core.settings import Settings
from jobs.connectors import UNBOUNDED, sql_options, with_clause
from jobs.sql_files import SQL, files, statement

NAME = "sql"
INPUT_TOPICS = (topics.RAW_BOOKS, topics.RAW_TRADES, topics.RAW_OPTIONS)
_COMMENT = re.compile(r"^--.*$", re.MULTILINE)
_REFERENCES = re.compile(r"\b(?:FROM|JOIN|TABLE|LIKE|INTO|VIEW|DESCRIBE|DESC)\s+(\w+)|\b(\w+)\(", re.IGNORECASE)
_LISTING = re.compile(r"\bSHOW\s+(?!CREATE\b)", re.IGNORECASE)
# A comment, a quoted text or name, the end of a statement, or any other character.
_TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|;|.", re.DOTALL)


def relations(wanted: str | None = None, root: Path = SQL) -> list[str]:
    """Relations of `sql/` as paths below it, each after the relations that it reads.

    All of them, or those that statements with the text `wanted` name; all as well if they list relations.
    """
    known = files(root)
    needs = {name: _references(path.read_text()) & known.keys() - {name} for name, path in known.items()}
    order = list(TopologicalSorter(needs).static_order())
    if wanted is not None and not _LISTING.search(wanted):
        reached = _closure(_references(wanted) & known.keys(), needs)
        order = [name for name in order if name in reached]
    return [f"{known[name].parent.name}/{name}" for name in order]


def session_options(settings: Settings, since_ms: int | None, ends: bool) -> dict[str, str]:
    """Options of the relations in a session whose sources start at `since_ms` (epoch ms, the broker's timestamps).

    None: at the oldest record. `ends`: the sources end at the current end of the topics, so that a query ends. Raises
    UserError if no database is set.
    """
    if not settings.postgres_dsn.get_secret_value():
        raise UserError(
            "POSTGRES_DSN is not set, but the session has tables of that database: run `depthflow up`, or set it"
        )
    start = {"scan.startup.mode": "earliest-offset"}
    if since_ms is not None:
        start = {"scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": str(since_ms)}
    end = {"scan.bounded.mode": "latest-offset"} if ends else {}
    own = {
        "start": with_clause(start | end),
        "rules_end": with_clause(end or UNBOUNDED),
        "input_topics": ";".join(settings.topic_prefix + topic.name for topic in INPUT_TOPICS),
        "output_topics": ";".join(settings.topic_prefix + topic.name for topic in topics.TOPICS),
    }
    return sql_options(settings, NAME) | own


def script(names: Iterable[str], options: Mapping[str, str], settings: Settings, ends: bool) -> str:
    """The session's first statements: the cluster for its jobs, then the relations. Contains credentials.

    With `ends`, statements run in batch mode. It is set before the relations, since a view that was declared in
    streaming mode has another time column.
    """
    cluster = urlparse(settings.flink_rest_url)
    session = {
        "execution.target": "remote",
        "rest.address": cluster.hostname or "localhost",
        "rest.port": str(cluster.port or 8081),
        "table.local-time-zone": "UTC",
        "table.display.max-column-width": "60",
    }
    if ends:
        session |= {"sql-client.execution.result-mode": "tableau", "execution.runtime-mode": "batch"}
    assignments = (f"SET '{key}' = '{value}'" for key, value in session.items())
    declarations = (statement(name, options).rstrip() for name in names)
    return "".join(f"{each};\n\n" for each in (*assignments, *declarations))


def split_statements(text: str) -> list[str]:
    """The statements of a file, without their semicolons; comments between statements are left out."""
    statements, current = [], ""
    for token in _TOKEN.findall(text):
        if token == ";":
            statements.append(current.strip())
            current = ""
        elif not (token.startswith(("--", "/*")) and not current.strip()):
            current += token
    return [each for each in (*statements, current.strip()) if each]


def _references(text: str) -> set[str]:
    return {name for found in _REFERENCES.findall(_COMMENT.sub("", text)) for name in found if name}


def _closure(names: set[str], needs: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    while names:
        found |= names
        names = set().union(*(needs[name] for name in names)) - found
    return found

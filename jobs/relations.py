"""The runner of `sql/`: one relation a file, file name = relation name, options by strict substitution.

Only sources and sinks carry options (`${name}`); views and inserts are read verbatim, since JSON paths contain `$`.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from market.errors import UserError

if TYPE_CHECKING:
    from pyflink.table import StatementSet, TableEnvironment

SQL = Path(__file__).resolve().parents[1] / "sql"
WITH_OPTIONS = ("sources", "sinks")
RELATIONS = ("functions", "sources", "views", "sinks")
_VIEW = re.compile(r"^CREATE TEMPORARY VIEW (\w+) AS$", re.MULTILINE)


class MissingOption(UserError):
    """A source or sink names an option that the settings do not give."""


def statement(name: str, options: Mapping[str, str], root: Path = SQL) -> str:
    """Text of one relation, `name` being its path below `sql/` without the ending, options filled in.

    Raises MissingOption with the option's and the file's name.
    """
    text = (root / f"{name}.sql").read_text()
    if name.split("/")[0] not in WITH_OPTIONS:
        return text
    try:
        return Template(text).substitute(options)
    except KeyError as missing:
        raise MissingOption(f"sql/{name}.sql needs the option {missing}, which the settings do not give") from None


def files(root: Path = SQL) -> dict[str, Path]:
    """The file of every relation, by name."""
    return {path.stem: path for folder in RELATIONS for path in sorted((root / folder).glob("*.sql"))}


def purpose(path: Path) -> str:
    """What a row of a relation is, as the head of its file says before it comes to keys and times."""
    lines = [line.removeprefix("-- ") for line in path.read_text().splitlines() if line.startswith("-- ")]
    end = next((number for number, line in enumerate(lines) if line.startswith("Key ")), len(lines))
    return " ".join(lines[:end])


def declare(tables: "TableEnvironment", names: Iterable[str], options: Mapping[str, str]) -> None:
    """Create the named relations in order.

    A view is handed over as the query that it is, since Flink reads the text of a view again in each that builds on it.
    """
    for name in names:
        text = statement(name, options)
        if view := _VIEW.search(text):
            tables.create_temporary_view(view[1], tables.sql_query(text[view.end() :]))
        else:
            tables.execute_sql(text)


def insert(statements: "StatementSet", names: Iterable[str]) -> None:
    """Add the named inserts to one statement set: each apart would become a job of its own."""
    for name in names:
        statements.add_insert_sql(statement(name, {}))

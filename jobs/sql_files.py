"""Loader of `sql/`: one relation per file, named after the file, with options filled in by strict substitution.

Files that carry options (`${name}`) are sources, sinks, and views whose head has a line `-- Options: name, …`. All
other files are used verbatim, since JSON paths contain `$`.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from core.errors import UserError
from core.resources import DATA

if TYPE_CHECKING:
    from pyflink.table import StatementSet, TableEnvironment

SQL = DATA / "sql"
WITH_OPTIONS = ("sources", "sinks")
RELATIONS = ("sources", "views", "sinks")
_OPTIONS = re.compile(r"^-- Options: ", re.MULTILINE)
_VIEW = re.compile(r"^CREATE TEMPORARY VIEW (\w+) AS$", re.MULTILINE)


class MissingOption(UserError):
    """A file of `sql/` names an option that has no value."""


def template(name: str, root: Path | None = None) -> str:
    """Text of one relation without its options."""
    return ((root or SQL) / f"{name}.sql").read_text()


def statement(name: str, options: Mapping[str, str], root: Path | None = None) -> str:
    """Text of one relation with options filled in; `name`: its path below `sql/` without the suffix.

    Raises MissingOption with the names of the option and the file.
    """
    text = template(name, root)
    if name.split("/")[0] not in WITH_OPTIONS and not _OPTIONS.search(text):
        return text
    try:
        return Template(text).substitute(options)
    except KeyError as missing:
        raise MissingOption(f"sql/{name}.sql needs the option {missing}, which has no value") from None


def files(root: Path = SQL) -> dict[str, Path]:
    """The file of every relation, by name."""
    return {path.stem: path for folder in RELATIONS for path in sorted((root / folder).glob("*.sql"))}


def purpose(path: Path) -> str:
    """Meaning of a relation's rows: the head of its file up to the line that begins with "Key "."""
    lines = [line.removeprefix("-- ") for line in path.read_text().splitlines() if line.startswith("-- ")]
    end = next((number for number, line in enumerate(lines) if line.startswith("Key ")), len(lines))
    return " ".join(lines[:end])


def declare(tables: "TableEnvironment", names: Iterable[str], options: Mapping[str, str]) -> None:
    """Create the named relations in order.

    A view is registered as a parsed query: Flink parses the text of a view again in every relation that reads it.
    """
    for name in names:
        text = statement(name, options)
        if view := _VIEW.search(text):
            tables.create_temporary_view(view[1], tables.sql_query(text[view.end() :]))
        else:
            tables.execute_sql(text)


def insert(statements: "StatementSet", names: Iterable[str]) -> None:
    """Add the named inserts to one statement set, so that they run as one job."""
    for name in names:
        statements.add_insert_sql(statement(name, {}))

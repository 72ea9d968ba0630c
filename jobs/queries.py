"""The analysts' queries of `sql/queries/`: description, parameters, and text with parameters filled in.

The head of a file describes its rows, then has a line for each parameter: `-- set NAME = DEFAULT: meaning`. The default
determines the kind: quoted text, a number, or a time (`newest`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from string import Template

from core.errors import UserError
from core.resources import DATA

FOLDER = DATA / "sql" / "queries"
NEWEST = "newest"
_PARAMETER = re.compile(r"-- set (\w+) = (.+?): (.+)")


class QueryError(UserError):
    """An unknown query or parameter, or an invalid value; the text names the valid ones."""


@dataclass(frozen=True)
class Parameter:
    """One parameter; `default` is written as a user would write it."""

    name: str
    kind: str  # text, number, time
    default: str
    meaning: str

    def literal(self, value: str) -> str:
        """The value as an SQL literal: text quoted, a time in epoch ms. Raises QueryError for a wrong kind of value."""
        if self.kind == "text":
            return "'" + value.replace("'", "''") + "'"
        return _time(self.name, value) if self.kind == "time" else _number(self.name, value, self.default)


@dataclass(frozen=True)
class Query:
    """One query. `meaning`: description of its rows."""

    name: str
    meaning: str
    parameters: dict[str, Parameter]
    template: str

    def text(self, assignments: Iterable[str] = ()) -> str:
        """The statement with parameters set by `NAME=VALUE` texts, the others to their defaults."""
        values = {name: parameter.default for name, parameter in self.parameters.items()}
        for assignment in assignments:
            name, sign, value = assignment.partition("=")
            if not sign:
                raise QueryError(f"{assignment!r}: expected NAME=VALUE")
            if name not in values:
                raise QueryError(
                    f"unknown parameter {name!r} of query {self.name}; expected one of {', '.join(values)}"
                )
            values[name] = value
        literals = {name: self.parameters[name].literal(value) for name, value in values.items()}
        return Template(self.template).substitute(literals)


def queries(folder: Path = FOLDER) -> dict[str, Query]:
    """Every query by name."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.sql"))}


def query(name: str, folder: Path = FOLDER) -> Query:
    """The query of that name. Raises QueryError with the known names for an unknown one."""
    known = queries(folder)
    if name not in known:
        raise QueryError(f"unknown query {name!r}; expected one of {', '.join(known)}")
    return known[name]


def _read(path: Path) -> Query:
    lines = path.read_text().splitlines()
    head = [line for line in lines if line.startswith("-- ")]
    found = [match for line in head if (match := _PARAMETER.fullmatch(line))]
    meaning = " ".join(line.removeprefix("-- ") for line in head if not _PARAMETER.fullmatch(line))
    statement = "\n".join(line for line in lines if not line.startswith("--"))
    return Query(path.stem, meaning, {match[1]: _parameter(*match.groups()) for match in found}, statement)


def _parameter(name: str, default: str, meaning: str) -> Parameter:
    if default.startswith("'"):
        return Parameter(name, "text", default.strip("'"), meaning)
    return Parameter(name, "time" if default == NEWEST else "number", default, meaning)


def _number(name: str, value: str, default: str) -> str:
    is_integer = default.isdigit()
    expected = "an integer" if is_integer else "a number"
    try:
        number = int(value) if is_integer else float(value)
    except ValueError:
        number = -1
    if not 0 < number < 1e15:
        raise QueryError(f"{name}={value}: expected {expected} above 0, such as {default}")
    return str(number) if is_integer else f"{number:.16E}"


def _time(name: str, value: str) -> str:
    if value == NEWEST:
        return "CAST(NULL AS BIGINT)"
    try:
        time = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        raise QueryError(
            f"{name}={value}: expected {NEWEST}, or a time such as 2026-01-01T12:00:00 (UTC without a zone)"
        ) from None
    aware = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
    return f"CAST({round(aware.timestamp() * 1000)} AS BIGINT)"

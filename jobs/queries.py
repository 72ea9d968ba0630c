"""The analysts' queries of `sql/queries/`: what each says of itself, and its text with parameters filled in.

A file opens with what its rows are, then a line for each parameter: `-- set NAME = DEFAULT: what it means`. The default
gives the kind: quoted text, a number, or a time (`newest`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from string import Template

from market.errors import UserError

FOLDER = Path(__file__).resolve().parents[1] / "sql" / "queries"
NEWEST = "newest"
_PARAMETER = re.compile(r"-- set (\w+) = (.+?): (.+)")


class QueryError(UserError):
    """A query, a parameter or a value that there cannot be; the text names what there is."""


@dataclass(frozen=True)
class Parameter:
    """One parameter; `default` as a user would give it."""

    name: str
    kind: str  # text, number, time
    default: str
    meaning: str

    def literal(self, value: str) -> str:
        """The value in SQL: text quoted, a time in epoch ms. Raises QueryError for a value of another kind."""
        if self.kind == "text":
            return "'" + value.replace("'", "''") + "'"
        return _time(self.name, value) if self.kind == "time" else _number(self.name, value, self.default)


@dataclass(frozen=True)
class Query:
    """One query. `meaning`: what its rows are."""

    name: str
    meaning: str
    parameters: dict[str, Parameter]
    template: str

    def text(self, assignments: Iterable[str] = ()) -> str:
        """The statement, parameters set by `NAME=VALUE` texts or else to their defaults."""
        values = {name: parameter.default for name, parameter in self.parameters.items()}
        for assignment in assignments:
            name, sign, value = assignment.partition("=")
            if not sign:
                raise QueryError(f"{assignment!r}: expected NAME=VALUE")
            if name not in values:
                raise QueryError(f"the query {self.name} has no parameter {name!r}: it has {', '.join(values)}")
            values[name] = value
        literals = {name: self.parameters[name].literal(value) for name, value in values.items()}
        return Template(self.template).substitute(literals)


def queries(folder: Path = FOLDER) -> dict[str, Query]:
    """Every query by name."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.sql"))}


def query(name: str, folder: Path = FOLDER) -> Query:
    """The query of that name. Raises QueryError that lists the names."""
    known = queries(folder)
    if name not in known:
        raise QueryError(f"no query is called {name!r}: there are {', '.join(known)}")
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
    whole = default.isdigit()
    try:
        number = int(value) if whole else float(value)
    except ValueError:
        number = -1
    if not 0 < number < 1e15:
        raise QueryError(f"{name}={value}: expected a {'whole ' if whole else ''}number above 0, such as {default}")
    return str(number) if whole else f"{number:.16E}"


def _time(name: str, value: str) -> str:
    if value == NEWEST:
        return "CAST(NULL AS BIGINT)"
    try:
        time = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        raise QueryError(
            f"{name}={value}: expected {NEWEST}, or a time such as 2026-01-01T12:00:00 (UTC if it says no other)"
        ) from None
    aware = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
    return f"CAST({round(aware.timestamp() * 1000)} AS BIGINT)"

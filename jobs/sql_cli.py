"""`depthflow sql`."""

import re
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from jobs.queries import Query, QueryError, queries, query
from jobs.relations import files, purpose
from market.settings import Settings

app = typer.Typer()
console = Console()

UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
EVERYTHING = "all"


@app.command()
def sql(
    name: Annotated[str | None, typer.Option("--query", "-q", help="Answer this one of sql/queries, and end.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", "-s", help="A parameter of the query: NAME=VALUE. Several times.")
    ] = None,
    since: Annotated[str, typer.Option(help="How far back the topics are read: 90s, 15m, 6h, 7d, all.")] = "1h",
    listed: Annotated[
        bool, typer.Option("--list", help="Show tables, views, and the queries with their parameters.")
    ] = False,
) -> None:
    """Open Flink's SQL client where every table and view of sql/ exists, or answer one of the queries of sql/queries.

    The session reads the topics from --since on and goes on with what comes; a query ends with what they hold.

    Example: depthflow sql --query top_imbalance --set top=5 --since 15m
    """
    if listed:
        console.print(_relations(), _queries(queries()), sep="\n")
        return
    if assignments and name is None:
        raise QueryError("--set gives a parameter to a query: name one with --query")
    statement = query(name).text(assignments or ()) if name else None
    since_ms = since_time(since, time.time())
    raise typer.Exit(_run(Settings(), statement, since_ms))


def _run(settings: Settings, statement: str | None, since_ms: int | None) -> int:
    from jobs import sql_client
    from jobs.session import relations, script, session_options
    from jobs.submit import Cluster, require_slot

    require_slot(Cluster.of(settings))
    ends = statement is not None
    text = script(relations(statement), session_options(settings, since_ms, ends), settings, ends)
    if statement is None:
        return sql_client.interact(settings, text)
    print(sql_client.answer(settings, text, statement))
    return 0


def since_time(text: str, now_s: float) -> int | None:
    """The time that `90s`, `15m`, `6h` or `7d` before `now_s` was, in epoch ms; None for `all`.

    Raises QueryError for anything else.
    """
    if text == EVERYTHING:
        return None
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise QueryError(f"--since {text}: expected 90s, 15m, 6h, 7d or {EVERYTHING}")
    return round(now_s * 1000) - int(found[1]) * UNITS_MS[found[2]]


def _relations() -> Table:
    table = Table("table, view or function", "kind", "what a row is")
    for name, path in files().items():
        table.add_row(name, path.parent.name.removesuffix("s"), purpose(path))
    return table


def _queries(found: dict[str, Query]) -> Table:
    table = Table("query", "what its rows are", "parameters, with their defaults", show_lines=True)
    for each in found.values():
        parameters = (f"{one.name}={one.default} [dim]{one.meaning}[/dim]" for one in each.parameters.values())
        table.add_row(each.name, each.meaning, "\n".join(parameters))
    return table

"""`depthflow sql`."""

import re
import sys
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from core.settings import Settings
from jobs.queries import Query, QueryError, queries, query
from jobs.sql_files import files, purpose

app = typer.Typer()
console = Console() if sys.stdout.isatty() else Console(width=10_000)  # into a pipe, no line is wrapped and no cell cut
progress = Console(stderr=True)

UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
ALL_RECORDS = "all"


@app.command()
def sql(
    name: Annotated[str | None, typer.Option("--query", "-q", help="Run this query of sql/queries and exit.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", "-s", help="Parameter of the query as NAME=VALUE; repeatable.")
    ] = None,
    since: Annotated[str, typer.Option(help="Age of the oldest records to read: 90s, 15m, 6h, 7d, all.")] = "1h",
    listed: Annotated[
        bool, typer.Option("--list", help="List tables, views, and queries with their parameters.")
    ] = False,
) -> None:
    """Open Flink's SQL client with every table and view of sql/, or run one of the queries of sql/queries.

    A session reads the topics from --since on and continues with new records; a query ends at the last current record.
    Statements on standard input (depthflow sql < file.sql) run as queries do; the first that fails ends the run.

    Example: depthflow sql --query top_imbalance --set top=5 --since 15m
    """
    if listed:
        console.print(_relations(), _queries(queries()), sep="\n")
        return
    if assignments and name is None:
        raise QueryError("--set sets a parameter of a query: name the query with --query")
    given = query(name).text(assignments or ()) if name else None if sys.stdin.isatty() else sys.stdin.read()
    _run(Settings(), given, since_time(since, time.time()), is_query=name is not None)


def _run(settings: Settings, given: str | None, since_ms: int | None, is_query: bool) -> None:
    """Run a query, or the statements of standard input, or the interactive client for None."""
    from jobs import sql_client
    from jobs.sql_session import relations, script, session_options, split_statements
    from jobs.submit import FlinkCluster, require_slots

    require_slots(FlinkCluster.of(settings), 1)
    ends, names = given is not None, relations(given)
    text = script(names, session_options(settings, since_ms, ends), settings, ends)
    if given is None:
        raise typer.Exit(sql_client.interact(settings, text))
    with progress.status(f"starting Flink's client with {len(names)} relations, then a job on the cluster: 10 to 30 s"):
        if is_query:
            print(sql_client.run_query(settings, text, given))
        else:
            for output in sql_client.run_file(settings, text, split_statements(given)):
                print(output, flush=True)


def since_time(text: str, now_s: float) -> int | None:
    """Epoch ms of the time `90s`, `15m`, `6h` or `7d` before `now_s`; None for `all`.

    Raises QueryError for anything else.
    """
    if text == ALL_RECORDS:
        return None
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise QueryError(f"--since {text}: expected 90s, 15m, 6h, 7d or {ALL_RECORDS}")
    return round(now_s * 1000) - int(found[1]) * UNITS_MS[found[2]]


def _relations() -> Table:
    table = Table("table, view or function", "kind", "rows")
    for name, path in files().items():
        table.add_row(name, path.parent.name.removesuffix("s"), purpose(path))
    return table


def _queries(found: dict[str, Query]) -> Table:
    table = Table("query", "rows", "parameters with their defaults", show_lines=True)
    for each in found.values():
        parameters = (f"{one.name}={one.default} [dim]{one.meaning}[/dim]" for one in each.parameters.values())
        table.add_row(each.name, each.meaning, "\n".join(parameters))
    return table

"""`depthflow rules`."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ingestion.rules import Overrides, read_overrides, write_override
from market.alert_rules import (
    ALL_BOOKS,
    Rule,
    RuleError,
    Thresholds,
    alert_rules,
    parse_thresholds,
    require_book,
    require_order,
    require_rule,
)
from market.settings import Settings

app = typer.Typer(help="Thresholds of alerts, by rule and book, while the job runs.", no_args_is_help=True)
console = Console()


@app.command("set")
def set_rule(
    name: Annotated[str, typer.Argument(metavar="RULE", help="As `depthflow rules list` names it.")],
    assignments: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="medium, high; the other one stays.")
    ] = None,
    book: Annotated[str, typer.Option(help="venue:symbol; * is every book without thresholds of its own.")] = ALL_BOOKS,
    unset: Annotated[bool, typer.Option("--unset", help="Take away what was set; defaults hold again.")] = False,
) -> None:
    """Set thresholds of a rule, for all books or one; a running analytics job goes by them from then on.

    Example: depthflow rules set extreme_imbalance medium=0.6 high=0.8 --book binance:BTCUSDT
    """
    settings = Settings()
    rule = require_rule(alert_rules(settings), name)
    require_book(book)
    if unset == bool(assignments):
        raise RuleError("give thresholds such as medium=0.6, or --unset, and not both")
    if unset:
        write_override(settings, name, book, None)
        console.print(f"{name} on {book}: nothing set", highlight=False)
        return
    given, overrides = parse_thresholds(rule, assignments or []), read_overrides(settings)
    held = given.over(overrides.get((name, book), Thresholds()))
    require_order(rule, effective(rule, book, overrides | {(name, book): held}))
    write_override(settings, name, book, held)
    console.print(f"{name} on {book}: {_shown(held)}", highlight=False)


@app.command("list")
def list_rules(as_json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False) -> None:
    """Every rule with its defaults, and what is set for all books and for single ones.

    Example: depthflow rules list --json
    """
    settings = Settings()
    rows = list(_rows(alert_rules(settings), read_overrides(settings)))
    if as_json:
        for row in rows:
            print(json.dumps(row))
        return
    table = Table("rule", "book", "medium", "high", "default", "unit")
    for row in rows:
        marks = (f"[bold]{row[key]:g}[/bold]" if row[f"{key}_set"] else f"{row[key]:g}" for key in ("medium", "high"))
        default = f"{row['medium_default']:g}, {row['high_default']:g}"
        table.add_row(row["rule"], row["book"], *marks, default, row["unit"])
    console.print(table)
    console.print("bold: set; the rest holds by default", style="dim")


def effective(rule: Rule, book: str, overrides: Overrides) -> Thresholds:
    """What holds for a rule on a book: its own, else that of all books, else the settings'."""
    own, overall = (overrides.get((rule.name, name), Thresholds()) for name in (book, ALL_BOOKS))
    return own.over(overall).over(rule.default)


def _rows(rules: dict[str, Rule], overrides: Overrides) -> Iterator[dict[str, Any]]:
    for rule in rules.values():
        books = sorted(book for name, book in overrides if name == rule.name and book != ALL_BOOKS)
        for book in (ALL_BOOKS, *books):
            own, held = overrides.get((rule.name, book), Thresholds()), effective(rule, book, overrides)
            yield {
                "rule": rule.name,
                "book": book,
                "medium": held.medium,
                "high": held.high,
                "medium_set": own.medium is not None,
                "high_set": own.high is not None,
                "medium_default": rule.default.medium,
                "high_default": rule.default.high,
                "unit": rule.unit,
            }


def _shown(held: Thresholds) -> str:
    values = {"medium": held.medium, "high": held.high}
    return ", ".join(f"{name} {'by default' if value is None else f'{value:g}'}" for name, value in values.items())

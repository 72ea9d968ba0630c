"""`depthflow rules`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from core.settings import Settings
from market.alerts.rule_table import RuleTable, with_change
from market.alerts.rules import (
    ALL_BOOKS,
    NAMES,
    RuleError,
    Thresholds,
    alert_rules,
    parse_thresholds,
    require_book,
    require_rule,
    silence_ms,
)
from reader.output import table_console
from reader.rule_trial import recorded_ticks, topic_ticks, try_thresholds
from reader.rules import read_overrides, rule_rows, write_override

app = typer.Typer(help="Alert thresholds by rule and book, effective in running jobs.", no_args_is_help=True)
console = table_console()


@app.command("set")
def set_rule(
    name: Annotated[str, typer.Argument(metavar="RULE", help="Rule, as listed by `depthflow rules list`.")],
    assignments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=VALUE]...", help="medium=…, high=…, held_ms=…, cooldown_s=…; one not given is unchanged."
        ),
    ] = None,
    book: Annotated[
        str, typer.Option(help="venue:symbol, or * for every book without thresholds of its own.")
    ] = ALL_BOOKS,
    unset: Annotated[bool, typer.Option("--unset", help="Delete the thresholds that were set.")] = False,
) -> None:
    """Set thresholds and times of a rule for all books or one; a running alerts job applies them without a restart.

    A value must stay at a threshold for held_ms, and an alert ends when the value has been calm for cooldown_s.

    Example: depthflow rules set extreme_imbalance medium=0.6 held_ms=2000 --book binance:BTCUSDT
    """
    settings = Settings()
    rule = require_rule(alert_rules(settings), name)
    require_book(book)
    if unset == bool(assignments):
        raise RuleError("expected either thresholds such as medium=0.6, or --unset")
    if unset:
        write_override(settings, name, book, None)
        console.print(f"{name} on {book}: thresholds deleted", highlight=False)
        return
    given, overrides = parse_thresholds(rule, assignments or []), read_overrides(settings)
    thresholds = with_change(overrides, rule, book, given)[name, book]
    write_override(settings, name, book, thresholds)
    console.print(f"{name} on {book}: {_format_thresholds(thresholds)}", highlight=False)


@app.command("list")
def list_rules(as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False) -> None:
    """List every rule with its defaults, and the thresholds and times set for all books and for single ones.

    Example: depthflow rules list --json
    """
    settings = Settings()
    rows = list(rule_rows(alert_rules(settings), read_overrides(settings)))
    if as_json:
        for row in rows:
            print(json.dumps(row))
        return
    table = Table()
    for name in ("rule", "book", *NAMES, "default", "unit"):
        table.add_column(name, overflow="fold")
    for row in rows:
        marks = (Text(f"{row[name]:g}", "bold" if row[f"{name}_set"] else "") for name in NAMES)
        default = ", ".join(f"{row[f'{name}_default']:g}" for name in NAMES)
        table.add_row(row["rule"], row["book"], *marks, default, row["unit"])
    console.print(table)
    console.print("bold: set by an operator; others: default", style="dim")


@app.command("try")
def try_rule(
    source: Annotated[
        str, typer.Argument(metavar="FILE|topic", help="A recording, or the word topic (orderbook.ticks).")
    ],
    name: Annotated[str, typer.Argument(metavar="RULE", help="Rule, as listed by `depthflow rules list`.")],
    assignments: Annotated[
        list[str], typer.Argument(metavar="NAME=VALUE...", help="The change: medium=…, high=…, held_ms=…, cooldown_s=…")
    ],
    book: Annotated[str, typer.Option(help="venue:symbol, or * for all books.")] = ALL_BOOKS,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Compare with the defaults instead of alert.rules; needs no broker.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Count the alerts that a change would have raised, beside those of the present thresholds. Nothing is changed.

    The ticks of a recording are rebuilt as the books job makes them.

    Example: depthflow rules try ethusdt.gz extreme_imbalance medium=0.6 held_ms=2000 --book binance:ETHUSDT
    """
    settings = Settings()
    rules = alert_rules(settings)
    rule = require_rule(rules, name)
    require_book(book)
    overrides = {} if defaults else read_overrides(settings)
    changed = with_change(overrides, rule, book, parse_thresholds(rule, assignments))
    ticks = topic_ticks(settings) if source == "topic" else recorded_ticks([Path(source)], settings)
    rows = try_thresholds(ticks, RuleTable(rules, overrides), RuleTable(rules, changed), silence_ms(settings))
    if as_json:
        for row in rows:
            print(json.dumps(asdict(row)))
        return
    table = Table("rule", "book", "episodes", "of them high", "changed: episodes", "of them high")
    for row in rows:
        table.add_row(row.rule, row.book, *map(str, (row.enter, row.high, row.enter_changed, row.high_changed)))
    console.print(table)


def _format_thresholds(thresholds: Thresholds) -> str:
    times = {name: value for name in NAMES[2:] if (value := getattr(thresholds, name)) is not None}
    values = {"medium": thresholds.medium, "high": thresholds.high} | times
    return ", ".join(f"{name} {'default' if value is None else f'{value:g}'}" for name, value in values.items())

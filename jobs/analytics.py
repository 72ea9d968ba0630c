"""The analytics job: windows, bars, alerts, states and option chains from their topics to the database, in SQL."""

from pyflink.table import TableEnvironment

from core.settings import Settings
from jobs import compiled_plan
from jobs.connectors import sql_options, table_environment
from jobs.sql_files import declare, insert, template

JOB = "analytics"
TABLES = (
    "orderbook_metrics",
    "orderbook_windows",
    "trades_1s",
    "orderbook_alerts",
    "book_states",
    "option_chain_metrics",
    "option_surface",
    "underlying_ticks",
)
SOURCES = (
    "sources/window_records",
    "views/windows",
    "sources/trade_bars",
    "sources/alert_records",
    "sources/statuses",
    "sources/option_chains",
    "sources/option_surfaces",
    "sources/underlying_ticks",
)
SINKS = tuple(f"sinks/{name}_sink" for name in TABLES)
INSERTS = tuple(f"inserts/{name}" for name in TABLES)


def prepare(tables: TableEnvironment, settings: Settings) -> None:
    """Declare the relations of all inserts."""
    declare(tables, SOURCES + SINKS, sql_options(settings, JOB))


def main() -> None:
    """Build the job from the environment's settings and execute it."""
    settings = Settings()
    tables = table_environment(settings, JOB)
    prepare(tables, settings)
    statements = tables.create_statement_set()
    insert(statements, INSERTS)
    compiled_plan.execute(tables, statements, "".join(map(template, SOURCES + SINKS + INSERTS)))


if __name__ == "__main__":
    main()

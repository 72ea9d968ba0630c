"""The analytics job: windows, bars, alerts, states and option chains from their topics to the database, in SQL.

Records that the database cannot store go to the topic of dead letters.
"""

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
    "views/checked_windows",
    "sources/trade_bars",
    "views/checked_trade_bars",
    "sources/alert_records",
    "views/checked_alerts",
    "sources/statuses",
    "views/checked_statuses",
    "sources/option_chains",
    "views/checked_option_chains",
    "sources/option_surfaces",
    "views/checked_option_surfaces",
    "sources/underlying_ticks",
    "views/checked_underlying_ticks",
)
DEAD_LETTERS = "dead_letters"
SINKS = tuple(f"sinks/{name}_sink" for name in (*TABLES, DEAD_LETTERS))
INSERTS = tuple(f"inserts/{name}" for name in (*TABLES, DEAD_LETTERS))


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

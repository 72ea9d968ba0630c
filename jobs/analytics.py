"""The analytics job: what SQL says best, from `sql/`, in one statement set."""

from pyflink.table import TableEnvironment

from jobs.connectors import from_group, sql_options, table_environment
from jobs.relations import declare, insert
from market import topics
from market.settings import Settings

JOB = "analytics"
SOURCES = (
    "functions/standing",
    "sources/processed",
    "sources/statuses",
    "sources/trades",
    "sources/option_chains",
    "sources/option_surfaces",
    "sources/underlying_ticks",
    "sources/alert_rules",
)
BOOK_VIEWS = (
    "views/good_records",
    "views/last_records",
    "views/metrics_1s",
    "views/book_moments",
    "views/book_ticks",
    "views/book_seconds",
    "views/standing_seconds",
    "views/sums_1s",
    "views/sums_10s",
    "views/sums_1m",
    "views/windows",
)
TRADE_VIEWS = ("views/good_trades", "views/timed_trades", "views/trades_1s", "views/trades_1m")
CHAIN_VIEWS = (
    "views/chain_moments",
    "views/chain_readings",
    "views/chain_minutes",
    "views/chain_hour_readings",
    "views/option_minutes",
    "views/interest_readings",
)
ALERT_VIEWS = (
    "views/tick_history",
    "views/tick_readings",
    "views/telling_readings",
    "views/side_ticks",
    "views/vanished_walls",
    "views/wall_readings",
    "views/second_readings",
    "views/sweep_readings",
    "views/readings",
    "sources/judged_readings",
    "views/hot_chain_readings",
    "sources/ended_readings",
    "views/imbalance_flips",
    "views/hot_runs",
    "views/held_readings",
    "views/alert_changes",
    "views/alerts",
)
CHECKS = (
    "functions/dead_letter",
    "sources/raw_frames",
    "sources/checked_records",
    "views/bad_records",
    "sinks/dead_letters_sink",
)
CHECKED = (topics.PROCESSED, topics.TRADES)
RELATIONS = SOURCES + BOOK_VIEWS + TRADE_VIEWS + CHAIN_VIEWS + ALERT_VIEWS
SINKS = (
    "sinks/orderbook_metrics_sink",
    "sinks/orderbook_windows_sink",
    "sinks/window_records_sink",
    "sinks/trades_1s_sink",
    "sinks/option_chain_metrics_sink",
    "sinks/option_surface_sink",
    "sinks/underlying_ticks_sink",
    "sinks/orderbook_alerts_sink",
    "sinks/alert_records_sink",
)
INSERTS = (
    "inserts/orderbook_metrics",
    "inserts/orderbook_windows",
    "inserts/window_records",
    "inserts/trades_1s",
    "inserts/option_chain_metrics",
    "inserts/option_surface",
    "inserts/underlying_ticks",
    "inserts/orderbook_alerts",
    "inserts/alert_records",
    "inserts/dead_letters",
)

TUNING = {
    # What is known of a symbol (what stood last, if an alert is on) is forgotten a week after it was last heard of.
    "table.exec.state.ttl": "7 d",
    # Before the exchange an aggregate would only add an operator: behind a union it has no part in the source's thread.
    "table.optimizer.agg-phase-strategy": "ONE_PHASE",
    # Half a hundred threads that flush every 5 ms, as the cluster has it for the books job, take a tenth of a core. But
    # what is rarely said (that a book is lost) must not lie in a buffer for long while records overtake it.
    "execution.buffer-timeout.interval": "20ms",
    # Views that several others build on are planned once: half the time that a submission takes.
    "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
    # Half a hundred operators take part in a checkpoint: one a second takes a fifth of a core, and at one in two
    # a seventh more records go through. Readers of committed alerts wait half a second longer for it on average.
    "execution.checkpointing.interval": "2s",
    # Threads of Python, interrupted while they start (by a refusing database), never start again in that TaskManager.
    "python.execution-mode": "process",
}


def prepare(tables: TableEnvironment, settings: Settings) -> None:
    """Declare all that the inserts ask for, and set the job's own configuration."""
    for option, value in TUNING.items():
        tables.get_config().set(option, value)
    options = sql_options(settings, JOB)
    declare(tables, RELATIONS + SINKS, options)
    # Two scans of one topic in one group would commit over each other. What this one fetches lies on the heap of the
    # windows, which large fetches fill: with small ones the job takes a twentieth less processor time a record.
    own = {"start": from_group(settings, f"{JOB}-checks"), "kafka": options["kafka_evenly"]}
    own["reads"] = ";".join(settings.topic_prefix + topic.name for topic in CHECKED)
    declare(tables, CHECKS, options | own)


def main() -> None:
    """Build the job from the environment's settings and execute it."""
    settings = Settings()
    tables = table_environment(settings, JOB)
    prepare(tables, settings)
    statements = tables.create_statement_set()
    insert(statements, INSERTS)
    statements.execute()


if __name__ == "__main__":
    main()

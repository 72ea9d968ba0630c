"""Views of `sql/` over hand-written tables: one local Flink job for all views of a test file."""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pyflink.table import EnvironmentSettings, TableEnvironment

from jobs.sql_files import SQL, declare

Row = dict[str, Any]

CONFIGURATION = {
    "parallelism.default": "1",
    "table.local-time-zone": "UTC",
    # So short that every row moves the watermark before the next row: lateness does not depend on speed.
    "pipeline.auto-watermark-interval": "1 ms",
    "execution.checkpointing.interval": "500 ms",  # files are complete only after a checkpoint
    "python.executable": sys.executable,
    "python.client.executable": sys.executable,
    "rest.port": "0",
}


# Runs all stages at once in one slot instead of one after the other: queries of few rows take half the time.
BATCH = {"execution.batch-shuffle-mode": "ALL_EXCHANGES_PIPELINED", "jobmanager.scheduler": "Default"}


def local_tables(batch: bool = False) -> TableEnvironment:
    """A streaming or batch environment whose jobs run in this process."""
    settings = EnvironmentSettings.in_batch_mode() if batch else EnvironmentSettings.in_streaming_mode()
    tables = TableEnvironment.create(settings)
    for option, value in (CONFIGURATION | (BATCH if batch else {})).items():
        tables.get_config().set(option, value)
    return tables


def declare_rows(tables: TableEnvironment, name: str, rows: Iterable[Row | str], folder: Path) -> None:
    """Declare a source with the columns and watermark of `sql/sources` and a file with these rows as its connector.

    Metadata columns of Kafka are read from the rows as well.
    """
    file = folder / f"{name}.jsonl"
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    columns = (SQL / "sources" / f"{name}.sql").read_text().split(") WITH (")[0]
    columns = re.sub(r" METADATA( FROM '[\w-]+')? VIRTUAL", "", columns)
    tables.execute_sql(
        f"{columns}) WITH ('connector' = 'filesystem', 'path' = '{file}', 'format' = 'json', "
        "'json.ignore-parse-errors' = 'true')"
    )


def declare_file(tables: TableEnvironment, view: str, folder: Path) -> None:
    """Declare the sink `{view}_file` with the columns of the view: JSON files in the folder of its name."""
    described = [(row[0], row[1].replace(" *ROWTIME*", "")) for row in tables.execute_sql(f"DESCRIBE {view}").collect()]
    columns = ", ".join(f"`{name}` {kind}" for name, kind in described)
    options = f"'connector' = 'filesystem', 'path' = '{folder / view}', 'format' = 'json'"
    tables.execute_sql(f"CREATE TEMPORARY TABLE {view}_file ({columns}) WITH ({options})")


def rows_of(
    views: Iterable[str],
    inputs: Mapping[str, Iterable[Row | str]],
    relations: Iterable[str],
    folder: Path,
    **options: str,
) -> dict[str, list[Row]]:
    """Rows of every view, from one job over these inputs; `relations` are declared in order after the inputs."""
    tables = local_tables()
    for name, rows in inputs.items():
        declare_rows(tables, name, rows, folder)
    declare(tables, relations, options)
    statements = tables.create_statement_set()
    for view in views:
        declare_file(tables, view, folder)
        statements.add_insert_sql(f"INSERT INTO {view}_file SELECT * FROM {view}")
    statements.execute().wait()
    return {view: read(folder / view) for view in views}


def query_rows(
    queries: Mapping[str, str], inputs: Mapping[str, Iterable[Row | str]], relations: Iterable[str], folder: Path
) -> dict[str, list[Row]]:
    """Rows of every query in order, from one bounded job; `relations` are declared after the inputs."""
    tables = local_tables(batch=True)
    for name, rows in inputs.items():
        declare_rows(tables, name, rows, folder)
    declare(tables, relations, {})
    statements = tables.create_statement_set()
    for name, text in queries.items():
        tables.create_temporary_view(name, tables.sql_query(text))
        declare_file(tables, name, folder)
        statements.add_insert_sql(f"INSERT INTO {name}_file {text}")
    statements.execute().wait()
    return {name: read(folder / name) for name in queries}


def read(folder: Path) -> list[Row]:
    """Rows of a view's files, in any order."""
    return [json.loads(line) for file in sorted(folder.glob("part-*")) for line in file.read_text().splitlines()]

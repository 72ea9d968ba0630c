"""Converts rows of any source to a table."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from core.settings import Settings
from reader import sources
from reader.datasets import Dataset, RowFilter
from reader.errors import ReaderError

BATCH_ROWS = 50_000


def read(dataset: Dataset, source: str | Path, row_filter: RowFilter, form: str, settings: Settings | None) -> Any:
    """Filtered rows of a source, as a pandas.DataFrame or a pyarrow.Table."""
    if form not in ("pandas", "arrow"):
        raise ReaderError(f"unknown form {form!r}; expected 'pandas' or 'arrow'")
    table = to_table(dataset, _rows(dataset, source, row_filter, settings))
    return table.to_pandas() if form == "pandas" else table


def to_table(dataset: Dataset, rows: Iterable[Any]) -> Any:
    """A pyarrow.Table of records, sorted by time, venue and symbol; the sort is stable."""
    remaining, batches, fields = iter(rows), [], dataset.fields
    while chunk := list(islice(remaining, BATCH_ROWS)):
        columns = [pa.array([getattr(row, name) for row in chunk], kind) for name, (_, kind) in fields.items()]
        batches.append(pa.RecordBatch.from_arrays(columns, schema=dataset.schema))
    unsorted = pa.Table.from_batches(batches, dataset.schema)
    return unsorted.sort_by([(name, "ascending") for name in (dataset.time, "venue", "symbol")])


def _rows(dataset: Dataset, source: str | Path, row_filter: RowFilter, settings: Settings | None) -> Iterator[Any]:
    if source == "topic":
        return sources.topic_rows(dataset, row_filter, settings or Settings())
    if source == "database":
        return sources.database_rows(dataset, row_filter, settings or Settings())
    if not Path(source).exists():
        raise ReaderError(
            f"unknown source {str(source)!r}; expected 'topic', 'database', or the folder of a `depthflow record`"
        )
    return sources.archive_rows(dataset, row_filter, Path(source))

"""The one way from rows to a table, whatever their source."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from market.settings import Settings
from reader import sources
from reader.datasets import Dataset, ReaderError, Wanted

BATCH_ROWS = 50_000


def read(dataset: Dataset, source: str | Path, wanted: Wanted, form: str, settings: Settings | None) -> Any:
    """The wanted rows of a source, as a pandas.DataFrame or a pyarrow.Table."""
    if form not in ("pandas", "arrow"):
        raise ReaderError(f"form={form!r}: expected 'pandas' or 'arrow'")
    found = table(dataset, _rows(dataset, source, wanted, settings))
    return found.to_pandas() if form == "pandas" else found


def table(dataset: Dataset, rows: Iterable[Any]) -> Any:
    """A pyarrow.Table of records, in the order of their time; records of one book and time stay as they came."""
    rest, batches, fields = iter(rows), [], dataset.fields
    while chunk := list(islice(rest, BATCH_ROWS)):
        columns = [pa.array([getattr(row, name) for row in chunk], kind) for name, (_, kind) in fields.items()]
        batches.append(pa.RecordBatch.from_arrays(columns, schema=dataset.schema))
    whole = pa.Table.from_batches(batches, dataset.schema)
    return whole.sort_by([(name, "ascending") for name in (dataset.time, "venue", "symbol")])


def _rows(dataset: Dataset, source: str | Path, wanted: Wanted, settings: Settings | None) -> Iterator[Any]:
    if source == "topic":
        return sources.topic_rows(dataset, wanted, settings or Settings())
    if source == "database":
        return sources.database_rows(dataset, wanted, settings or Settings())
    if not Path(source).exists():
        raise ReaderError(
            f"source={str(source)!r}: expected 'topic', 'database', or the folder of a `depthflow record`"
        )
    return sources.archive_rows(dataset, wanted, Path(source))

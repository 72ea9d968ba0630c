"""Option chain from the tables `option_chain_metrics` and `option_surface`."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from core.errors import UserError
from core.settings import Settings
from market.options.records import ChainRecord, SurfaceRecord
from reader.chain_rows import OptionRecord, as_record
from reader.chain_snapshot import ChainSnapshot, newest_complete
from reader.database import connect

REACH_S = 10  # seconds before the newest one to read: the rows of both tables are written separately
NEWEST = "SELECT ts FROM option_chains WHERE underlying = %s ORDER BY ts DESC LIMIT 1"
ROWS = (
    "SELECT * FROM {} WHERE underlying = %(underlying)s AND ts BETWEEN %(ts)s - %(reach)s * INTERVAL '1 s' AND %(ts)s"
)


def read_database(underlying: str, settings: Settings) -> ChainSnapshot:
    """Chain at the newest second that the tables contain completely.

    Raises `UserError` when the database does not answer or has no such second.
    """
    with connect(settings) as opened:
        snapshot = _read(opened, underlying)
    if snapshot is None:
        raise UserError(
            f"table option_chain_metrics has no complete second of {underlying}: "
            "start the options job and the analytics job"
        )
    return snapshot


def _read(database: Connection[dict[str, Any]], underlying: str) -> ChainSnapshot | None:
    newest = database.execute(NEWEST, [underlying]).fetchone()
    if newest is None:
        return None
    parameters = {"underlying": underlying, "ts": newest["ts"], "reach": REACH_S}
    return newest_complete(
        read_records(database, "option_chain_metrics", parameters, ChainRecord),
        read_records(database, "option_surface", parameters, SurfaceRecord),
    )


def read_records(
    database: Connection[dict[str, Any]], table: str, parameters: dict[str, Any], record: type[OptionRecord]
) -> Iterator[OptionRecord]:
    """Rows of one table as records. `parameters`: `underlying`, the last `ts`, `reach` in seconds before it."""
    for row in database.execute(ROWS.format(table), parameters):
        yield as_record(row, record)

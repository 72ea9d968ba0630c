"""An option chain from the tables `option_chain_metrics` and `option_surface`."""

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from psycopg import Connection

from market.errors import UserError
from market.options.records import ChainRecord, SurfaceRecord
from market.settings import Settings
from reader.chain_snapshot import Snapshot, newest_whole
from reader.database import connection

REACH_S = 10  # seconds before the newest one that are looked at: rows of both tables come apart
NEWEST = "SELECT ts FROM option_chains WHERE underlying = %s ORDER BY ts DESC LIMIT 1"
ROWS = (
    "SELECT * FROM {} WHERE underlying = %(underlying)s AND ts BETWEEN %(ts)s - %(reach)s * INTERVAL '1 s' AND %(ts)s"
)
Record = TypeVar("Record", ChainRecord, SurfaceRecord)


def read_database(underlying: str, settings: Settings) -> Snapshot:
    """The chain's newest second that the tables hold whole.

    Raises `UserError` when no database answers, or it has no such second.
    """
    with connection(settings) as opened:
        found = _read(opened, underlying)
    if found is None:
        raise UserError(
            f"the table option_chain_metrics has no whole second of {underlying}: "
            "do the options and the analytics job run?"
        )
    return found


def _read(database: Connection[dict[str, Any]], underlying: str) -> Snapshot | None:
    newest = database.execute(NEWEST, [underlying]).fetchone()
    if newest is None:
        return None
    wanted = {"underlying": underlying, "ts": newest["ts"], "reach": REACH_S}
    return newest_whole(
        records(database, "option_chain_metrics", wanted, ChainRecord),
        records(database, "option_surface", wanted, SurfaceRecord),
    )


def records(
    database: Connection[dict[str, Any]], table: str, wanted: dict[str, Any], record: type[Record]
) -> Iterator[Record]:
    """Rows of one table as the records they came from; `wanted`: `underlying`, the last `ts`, `reach` in seconds."""
    for row in database.execute(ROWS.format(table), wanted):
        flags = row["flags"].split(",") if row["flags"] else []
        fields = row | {"expiry": round(row["expiry"].timestamp() * 1000), "flags": flags}
        yield msgspec.convert({name: value for name, value in fields.items() if name != "ts"}, record)

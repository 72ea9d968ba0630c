"""Rows of the tables of option chains as records."""

from typing import Any, TypeVar

import msgspec

from market.options.records import ChainRecord, SurfaceRecord

DEFAULTED = ("stale_options", "refused_options")  # null in rows that an older version wrote
OptionRecord = TypeVar("OptionRecord", ChainRecord, SurfaceRecord)


def as_record(row: dict[str, Any], record: type[OptionRecord]) -> OptionRecord:
    """A row of `option_chain_metrics` or `option_surface` as the record of its topic."""
    flags = row["flags"].split(",") if row["flags"] else []
    fields = row | {"expiry": round(row["expiry"].timestamp() * 1000), "flags": flags}
    unknown = {name for name in DEFAULTED if fields.get(name) is None}
    return msgspec.convert({name: fields[name] for name in fields.keys() - unknown - {"ts"}}, record)

"""Names and columns of the archive's files; conversion of records to rows."""

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import pyarrow as pa
from msgspec import Meta, Struct

from core.envelope import DECODE_ERRORS

UNKNOWN_VENUE = "unknown"  # venue of records that are not envelopes
SCHEMA = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("appended_ms", pa.int64()),  # the broker's append time
        ("key", pa.binary()),
        ("value", pa.binary()),  # the record byte for byte; the columns below are copied from it
        ("channel", pa.string()),
        ("symbol", pa.string()),
        ("conn", pa.string()),
        ("seq", pa.int64()),
        ("recv_us", pa.int64()),
    ]
)
DICTIONARY_COLUMNS = ["key", "channel", "symbol", "conn"]
_NAME = re.compile(r"(?P<topic>.+)-(?P<partition>\d{4,})-(?P<offset>\d{20})\.parquet")


class VenuePartition(NamedTuple):
    """A venue's records in one partition of a topic (name without prefix): they have one order."""

    venue: str
    topic: str
    partition: int


class ArchiveFile(NamedTuple):
    """A complete file of the archive."""

    source: VenuePartition
    first_offset: int
    path: Path


_Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]  # range of an int64 column


class _EnvelopeColumns(Struct, gc=False):
    venue: str
    channel: str
    symbol: str
    conn: str
    seq: _Int64
    recv_us: _Int64


_decode = msgspec.json.Decoder(_EnvelopeColumns).decode


def venue_and_row(record: Any) -> tuple[str, tuple[Any, ...]]:
    """Venue and row of a kafka-python record.

    A record that is not an envelope is archived byte for byte under UNKNOWN_VENUE, with null in the envelope's columns.
    """
    raw = (record.partition, record.offset, record.timestamp, record.key, record.value)
    try:
        envelope = _decode(record.value or b"")
    except DECODE_ERRORS:
        return UNKNOWN_VENUE, (*raw, None, None, None, None, None)
    venue = envelope.venue if re.fullmatch(r"[a-z0-9_]{1,64}", envelope.venue) else UNKNOWN_VENUE
    return venue, (*raw, envelope.channel, envelope.symbol, envelope.conn, envelope.seq, envelope.recv_us)


def file_path(root: Path, source: VenuePartition, appended_ms: int, first_offset: int) -> Path:
    """Path of the file whose first record has this append time and offset."""
    hour = datetime.fromtimestamp(appended_ms / 1000, timezone.utc)
    name = f"{source.topic}-{source.partition:04d}-{first_offset:020d}.parquet"
    return root / f"venue={source.venue}" / f"hour={hour:%Y-%m-%dT%H}" / name


def find_files(root: Path, venue: str | None = None) -> Iterator[ArchiveFile]:
    """Complete files below a folder, or the one file `root`, in no particular order."""
    paths = [root] if root.is_file() else root.glob("**/*.parquet")
    for path in paths:
        name = _NAME.fullmatch(path.name)
        file_venue = next((part[6:] for part in path.parts[::-1] if part.startswith("venue=")), UNKNOWN_VENUE)
        if name and venue in (None, file_venue):
            source = VenuePartition(file_venue, name["topic"], int(name["partition"]))
            yield ArchiveFile(source, int(name["offset"]), path)

"""Names and columns of the files; records as rows."""

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from msgspec import Struct

UNKNOWN_VENUE = "unknown"  # of a record that is no envelope
SCHEMA = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("appended_ms", pa.int64()),  # the broker's time
        ("key", pa.binary()),
        ("value", pa.binary()),  # the record to the byte; all below is read off it
        ("channel", pa.string()),
        ("symbol", pa.string()),
        ("conn", pa.string()),
        ("seq", pa.int64()),
        ("recv_us", pa.int64()),
    ]
)
REPEATING = ["key", "channel", "symbol", "conn"]
_NAME = re.compile(r"(?P<topic>.+)-(?P<partition>\d{4,})-(?P<offset>\d{20})\.parquet")


class Stream(NamedTuple):
    """What has one order: a venue's records in one partition of a topic (its name without prefix)."""

    venue: str
    topic: str
    partition: int


class File(NamedTuple):
    """A whole file of the archive."""

    stream: Stream
    first_offset: int
    path: Path


class _Label(Struct, gc=False):
    venue: str
    channel: str
    symbol: str
    conn: str
    seq: int
    recv_us: int


_decode = msgspec.json.Decoder(_Label).decode


def labelled(record: Any) -> tuple[str, tuple[Any, ...]]:
    """Venue and row of a record of kafka-python. One that is no envelope is kept too, without labels."""
    place = (record.partition, record.offset, record.timestamp, record.key, record.value)
    try:
        label = _decode(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return UNKNOWN_VENUE, (*place, None, None, None, None, None)
    venue = label.venue if re.fullmatch(r"[a-z0-9_]{1,64}", label.venue) else UNKNOWN_VENUE
    return venue, (*place, label.channel, label.symbol, label.conn, label.seq, label.recv_us)


def file_path(root: Path, stream: Stream, appended_ms: int, first_offset: int) -> Path:
    """Where the file of a stream that begins with this record lies."""
    hour = datetime.fromtimestamp(appended_ms / 1000, timezone.utc)
    name = f"{stream.topic}-{stream.partition:04d}-{first_offset:020d}.parquet"
    return root / f"venue={stream.venue}" / f"hour={hour:%Y-%m-%dT%H}" / name


def find_files(root: Path, venue: str | None = None) -> Iterator[File]:
    """The whole files below a folder, or that one file; in no particular order."""
    paths = [root] if root.is_file() else root.glob("**/*.parquet")
    for path in paths:
        found = _NAME.fullmatch(path.name)
        of_venue = next((part[6:] for part in path.parts[::-1] if part.startswith("venue=")), UNKNOWN_VENUE)
        if found and venue in (None, of_venue):
            stream = Stream(of_venue, found["topic"], int(found["partition"]))
            yield File(stream, int(found["offset"]), path)

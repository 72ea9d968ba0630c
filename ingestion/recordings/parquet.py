"""Reads what `depthflow record` wrote: a folder of Parquet files, or one of them (`ingestion.archive`)."""

from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.archive.layout import File, find_files
from ingestion.labels import FRAME_ERRORS
from ingestion.recordings.account import Account, RecordingError
from market.records import Envelope

MAGIC = b"PAR1"
BATCH_ROWS = 512


class ParquetRecording:
    """Envelopes of an archive, those of a partition exactly as they were; across partitions by receipt.

    Offers what `Recording` does. Memory grows with the number of venues times partitions, not with time.
    """

    def __init__(self, path: Path, venue: str | None = None) -> None:
        self.account = Account(path)
        self.position = 0
        self._files = sorted(find_files(path, venue))
        if not self._files:
            of_venue = f" of {venue}" if venue else ""
            raise RecordingError(f"{path}: no Parquet file{of_venue} that `depthflow record` wrote")
        self._decode = msgspec.json.Decoder(Envelope).decode

    @property
    def size(self) -> int:
        """Bytes of the files on disk."""
        return sum(file.path.stat().st_size for file in self._files)

    def __iter__(self) -> Iterator[Envelope]:
        streams = [list(files) for _, files in groupby(self._files, attrgetter("stream"))]
        for _, envelope in merge(*map(self._stream, streams), key=lambda found: found[0]):
            self.account.kept += 1
            yield envelope

    def _stream(self, files: list[File]) -> Iterator[tuple[int, Envelope]]:
        """Envelopes with the newest receive time so far: a stream's own order holds whatever its clocks say."""
        newest = 0
        for file in files:
            for envelope in self._file(file.path):
                newest = max(newest, envelope.recv_us)
                yield newest, envelope
            self.position += file.path.stat().st_size

    def _file(self, path: Path) -> Iterator[Envelope]:
        try:
            with pq.ParquetFile(path) as parquet:
                row = 0
                for batch in parquet.iter_batches(BATCH_ROWS, columns=["value"]):
                    for value in batch.column(0).to_pylist():
                        row += 1
                        try:
                            yield self._decode(value or b"")
                        except FRAME_ERRORS as error:
                            self.account.reject(row, f"{path.name}: {error}")
        except pa.ArrowException as error:
            raise RecordingError(f"{path}: not a Parquet file that can be read: {error}") from error


def is_parquet(path: Path) -> bool:
    """Whether this is a folder, or a Parquet file."""
    if path.is_dir():
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC

"""Reads the Parquet files of `depthflow record`: a folder, or one file (layout: `ingestion.archive`)."""

from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from core.envelope import decode_envelope
from core.records import Envelope
from ingestion.archive.layout import ArchiveFile, find_files
from ingestion.recordings.import_report import ImportReport, RecordingError
from venues.frame_info import FRAME_ERRORS

MAGIC = b"PAR1"
BATCH_ROWS = 512


class ParquetRecording:
    """Envelopes of an archive: in recorded order within a partition, merged by receive time across partitions.

    Implements EnvelopeSource. Memory grows with the number of venues times partitions, not with the time recorded.
    """

    def __init__(self, path: Path, venue: str | None = None) -> None:
        self.report = ImportReport(path)
        self.position = 0
        self._files = sorted(find_files(path, venue))
        if not self._files:
            of_venue = f" of venue {venue}" if venue else ""
            raise RecordingError(f"{path}: no Parquet file{of_venue} written by `depthflow record`")

    @property
    def size(self) -> int:
        """Bytes of the files on disk."""
        return sum(file.path.stat().st_size for file in self._files)

    def __iter__(self) -> Iterator[Envelope]:
        sources = [list(files) for _, files in groupby(self._files, attrgetter("source"))]
        for _, envelope in merge(*map(self._read_source, sources), key=lambda entry: entry[0]):
            self.report.accepted += 1
            yield envelope

    def _read_source(self, files: list[ArchiveFile]) -> Iterator[tuple[int, Envelope]]:
        """Envelopes with the maximum receive time so far: recorded order is preserved when clocks step back."""
        newest = 0
        for file in files:
            for envelope in self._read_file(file.path):
                newest = max(newest, envelope.recv_us)
                yield newest, envelope
            self.position += file.path.stat().st_size

    def _read_file(self, path: Path) -> Iterator[Envelope]:
        try:
            with pq.ParquetFile(path) as parquet:
                schema, row = parquet.schema_arrow, 0
                if "value" not in schema.names or schema.field("value").type != pa.binary():
                    raise RecordingError(
                        f"{path}: columns {', '.join(schema.names[:8])}; expected a column `value` of bytes, as "
                        "`depthflow record` writes it"
                    )
                for batch in parquet.iter_batches(BATCH_ROWS, columns=["value"]):
                    for value in batch.column(0).to_pylist():
                        row += 1
                        try:
                            yield decode_envelope(value or b"")
                        except FRAME_ERRORS as error:
                            self.report.reject(row, f"{path.name}: {error}")
        except pa.ArrowException as error:
            raise RecordingError(f"{path}: unreadable Parquet file: {error}") from error


def is_parquet(path: Path) -> bool:
    """True for a folder or a Parquet file."""
    if path.is_dir():
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC

-- One row per raw record, as raw_frames has them, with its headers.
CREATE TEMPORARY TABLE checked_records (
  headers MAP<STRING, BYTES> NOT NULL METADATA VIRTUAL
) LIKE raw_frames

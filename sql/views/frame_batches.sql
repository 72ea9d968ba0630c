-- One row per key, partition and short processing-time window: the window's raw records in order, with their offsets.
-- A call into Python costs more than a book update, so frames reach Python in batches. The batch has parallel arrays,
-- not an array of rows: thread mode passes every element of an ARRAY<ROW> as the last one.
-- Key record_key. Time: none.
-- Options: batch_window_s
CREATE TEMPORARY VIEW frame_batches AS
SELECT
  COALESCE(record_key, '') AS record_key,
  ROW(topic_name, partition_id, ARRAY_AGG(envelope), ARRAY_AGG(offset_id)) AS batch
FROM TABLE(TUMBLE(TABLE raw_frames, DESCRIPTOR(arrived), INTERVAL '${batch_window_s}' SECOND(1, 3)))
GROUP BY window_start, window_end, COALESCE(record_key, ''), topic_name, partition_id

-- One row per key, partition and short processing-time window: the window's raw records in their order, with their offsets.
-- A call into Python costs more than a book update, so frames cross in batches; the window is a setting, hence a source.
-- Key record_key. Time: none; arrays, not rows: thread mode hands every element of ARRAY<ROW> over as the last one.
CREATE TEMPORARY VIEW frame_batches AS
SELECT
  COALESCE(record_key, '') AS record_key,
  ROW(topic_name, partition_id, ARRAY_AGG(envelope), ARRAY_AGG(offset_id)) AS batch
FROM TABLE(TUMBLE(TABLE raw_frames, DESCRIPTOR(arrived), INTERVAL '${batch_window_s}' SECOND(1, 3)))
GROUP BY window_start, window_end, COALESCE(record_key, ''), topic_name, partition_id

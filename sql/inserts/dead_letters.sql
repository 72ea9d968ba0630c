-- Every record that the database cannot store to the topic of dead letters. Its bytes stay on its own topic, where the
-- letter's offset finds them. Text that is not JSON is no row in Flink, so it is skipped.
INSERT INTO dead_letters_sink
WITH checked AS (
  SELECT venue, symbol, refused_fields, record_topic, record_partition, record_offset
  FROM checked_windows
  UNION ALL
  SELECT venue, symbol, refused_fields, record_topic, record_partition, record_offset
  FROM checked_trade_bars
  UNION ALL
  SELECT venue, symbol, refused_fields, record_topic, record_partition, record_offset
  FROM checked_alerts
  UNION ALL
  SELECT venue, symbol, refused_fields, record_topic, record_partition, record_offset
  FROM checked_statuses
  UNION ALL
  SELECT venue, underlying, refused_fields, record_topic, record_partition, record_offset
  FROM checked_option_chains
  UNION ALL
  SELECT venue, underlying, refused_fields, record_topic, record_partition, record_offset
  FROM checked_option_surfaces
  UNION ALL
  SELECT venue, underlying, refused_fields, record_topic, record_partition, record_offset
  FROM checked_underlying_ticks
)
SELECT
  CONCAT_WS(':', venue, symbol),
  'the database cannot store the record',
  refused_fields,
  record_topic,
  record_partition,
  record_offset,
  CAST(0 AS BIGINT),
  '',
  ''
FROM checked
WHERE refused_fields <> ''

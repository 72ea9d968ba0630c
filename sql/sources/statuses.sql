-- One row per change of the state of a book or chain: synced, gap, stale, untrusted.
-- Key (venue, symbol, event_time). Time: event_ts, watermark 1 s behind.
CREATE TEMPORARY TABLE statuses (
  venue STRING,
  symbol STRING,
  event_time BIGINT,
  state STRING,
  reason STRING,
  conn STRING,
  expected BIGINT,
  actual BIGINT,
  record_topic STRING NOT NULL METADATA FROM 'topic' VIRTUAL,
  record_partition INT NOT NULL METADATA FROM 'partition' VIRTUAL,
  record_offset BIGINT NOT NULL METADATA FROM 'offset' VIRTUAL,
  event_ts AS TO_TIMESTAMP_LTZ(CASE WHEN event_time BETWEEN 0 AND 253402300000000 THEN event_time ELSE 0 END, 3),
  WATERMARK FOR event_ts AS event_ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}orderbook.status',
  ${start},
  'properties.isolation.level' = 'read_committed',
  'scan.watermark.idle-timeout' = '5 s',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

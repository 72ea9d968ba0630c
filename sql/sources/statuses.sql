-- One row per change of a book's or chain's state: synced, gap, stale, untrusted.
-- Key (venue, symbol, event_time). Time: event_ts. The watermark runs 10 s ahead: the topic is mostly silent, and must not hold back the
-- books that it meets, whose watermark alone decides what is late.
CREATE TEMPORARY TABLE statuses (
  venue STRING,
  symbol STRING,
  event_time BIGINT,
  state STRING,
  reason STRING,
  conn STRING,
  expected BIGINT,
  actual BIGINT,
  event_ts AS TO_TIMESTAMP_LTZ(COALESCE(event_time, 0), 3),
  WATERMARK FOR event_ts AS event_ts + INTERVAL '10' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}orderbook.status',
  ${start},
  'properties.isolation.level' = '${alerts_isolation}',
  'scan.watermark.idle-timeout' = '${idle_timeout}',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

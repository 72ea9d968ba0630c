-- One row per change of a book's or chain's state: synced, gap, stale, untrusted.
-- Key (venue, symbol, event_time). Time: event_ts. The topic is mostly silent: after a second it holds nothing back. A loss moves the
-- time to itself, since nothing else may be left that does; never further, or the books that it meets would be late.
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
  WATERMARK FOR event_ts AS CASE state WHEN 'synced' THEN event_ts - INTERVAL '1' SECOND ELSE event_ts END
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}orderbook.status',
  ${start},
  'properties.isolation.level' = '${alerts_isolation}',
  'scan.watermark.idle-timeout' = '1 s',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

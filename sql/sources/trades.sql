-- One row per trade; side is the taker's.
-- Key (venue, symbol, trade_id). Time: event_ts (the venue's), watermark 1 s behind.
CREATE TEMPORARY TABLE trades (
  venue STRING,
  symbol STRING,
  event_time BIGINT,
  recv_us BIGINT,
  trade_id STRING,
  price DOUBLE,
  size DOUBLE,
  side STRING,
  event_ts AS TO_TIMESTAMP_LTZ(CASE WHEN event_time BETWEEN 0 AND 253402300000000 THEN event_time ELSE 0 END, 3),
  WATERMARK FOR event_ts AS event_ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}trades',
  ${start},
  'properties.isolation.level' = 'read_committed',
  'scan.watermark.idle-timeout' = '5 s',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

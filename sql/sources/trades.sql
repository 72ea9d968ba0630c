-- One row per trade; side is the aggressor's.
-- Key (venue, symbol, trade_id). Time: event_ts (the venue's); watermark as that of processed. A partition that is silent for as
-- long as a setting says holds nothing back any more: if it was only slow, its trades may be late.
CREATE TEMPORARY TABLE trades (
  venue STRING,
  symbol STRING,
  event_time BIGINT,
  recv_us BIGINT,
  trade_id STRING,
  price DOUBLE,
  size DOUBLE,
  side STRING,
  headers MAP<STRING, BYTES> NOT NULL METADATA VIRTUAL,
  event_ts AS TO_TIMESTAMP_LTZ(COALESCE(event_time, 0), 3),
  WATERMARK FOR event_ts AS TO_TIMESTAMP_LTZ(
    LEAST(COALESCE(TRY_CAST(CAST(headers['since'] AS STRING) AS BIGINT), event_time), COALESCE(recv_us / 1000, event_time)), 3
  ) - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}trades',
  ${start},
  'properties.isolation.level' = '${alerts_isolation}',
  'scan.watermark.idle-timeout' = '${idle_trades}',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

-- One row per applied book update: the metrics record of the books job.
-- Key (venue, symbol, update_id). Time: event_ts (the venue's), watermark 1 s behind. event_ts is the start of 1970 for
-- a time that is no valid one, since Flink fails on a row without event time.
CREATE TEMPORARY TABLE processed (
  venue STRING,
  symbol STRING,
  event_time BIGINT,
  recv_us BIGINT,
  update_id BIGINT,
  best_bid DOUBLE,
  best_bid_size DOUBLE,
  best_ask DOUBLE,
  best_ask_size DOUBLE,
  mid DOUBLE,
  microprice DOUBLE,
  spread DOUBLE,
  spread_bps DOUBLE,
  bid_depth DOUBLE,
  ask_depth DOUBLE,
  imbalance DOUBLE,
  weighted_imbalance DOUBLE,
  vtob DOUBLE,
  ofi DOUBLE,
  levels_bid INT,
  levels_ask INT,
  depth INT,
  flags ARRAY<STRING>,
  event_ts AS TO_TIMESTAMP_LTZ(CASE WHEN event_time BETWEEN 0 AND 253402300000000 THEN event_time ELSE 0 END, 3),
  WATERMARK FOR event_ts AS event_ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}orderbook.processed',
  ${start},
  'properties.isolation.level' = 'read_committed',
  'scan.watermark.idle-timeout' = '5 s',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

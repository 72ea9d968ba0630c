-- One row per applied book update: the metrics record of the books job.
-- Key (venue, symbol, update_id). Time: event_ts (the venue's). Watermark 1 s behind the beginning of the record's batch (header since):
-- the batches of other symbols in its partition reach as far back, however long they are. Silent partitions do not hold it back.
-- It is never ahead of the receipt: one record from the future would close everybody's windows.
-- In a backlog a partition of few symbols would run ahead, and what waits for the others pile up: it pauses when it is three seconds ahead.
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
  headers MAP<STRING, BYTES> NOT NULL METADATA VIRTUAL,
  event_ts AS TO_TIMESTAMP_LTZ(COALESCE(event_time, 0), 3),
  WATERMARK FOR event_ts AS TO_TIMESTAMP_LTZ(
    LEAST(COALESCE(TRY_CAST(CAST(headers['since'] AS STRING) AS BIGINT), event_time), COALESCE(recv_us / 1000, event_time)), 3
  ) - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}orderbook.processed',
  ${start},
  'properties.isolation.level' = '${alerts_isolation}',
  'scan.watermark.idle-timeout' = '${idle_timeout}',
  'scan.watermark.alignment.group' = 'processed',
  'scan.watermark.alignment.max-drift' = '3 s',
  'scan.watermark.alignment.update-interval' = '200 ms',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

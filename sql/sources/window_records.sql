-- One row per symbol, window size (1s, 10s, 1m) and window start, as the analytics job said it; window_start and window_end in epoch ms.
-- Key (venue, symbol, size, window_start). Time: start_ts, the window's start, watermark 1 s behind.
CREATE TEMPORARY TABLE window_records (
  venue STRING,
  symbol STRING,
  size STRING,
  window_start BIGINT,
  window_end BIGINT,
  updates BIGINT,
  imbalance_open DOUBLE,
  imbalance_high DOUBLE,
  imbalance_low DOUBLE,
  imbalance_close DOUBLE,
  imbalance_mean DOUBLE,
  imbalance_twa DOUBLE,
  weighted_imbalance_open DOUBLE,
  weighted_imbalance_high DOUBLE,
  weighted_imbalance_low DOUBLE,
  weighted_imbalance_close DOUBLE,
  weighted_imbalance_mean DOUBLE,
  spread_twa DOUBLE,
  spread_bps_mean DOUBLE,
  bid_depth_mean DOUBLE,
  ask_depth_mean DOUBLE,
  ofi_sum DOUBLE,
  microprice_last DOUBLE,
  out_of_sync DOUBLE,
  start_ts AS TO_TIMESTAMP_LTZ(COALESCE(window_start, 0), 3),
  WATERMARK FOR start_ts AS start_ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}orderbook.windows',
  ${start},
  'properties.isolation.level' = '${alerts_isolation}',
  'scan.watermark.idle-timeout' = '${idle_timeout}',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

-- One row per symbol, window size and window start in the database.
-- Key (venue, symbol, size, window_start): upserts, so that rows written again after a restart change nothing.
CREATE TEMPORARY TABLE orderbook_windows_sink (
  window_start TIMESTAMP(3),
  venue STRING,
  symbol STRING,
  size STRING,
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
  PRIMARY KEY (venue, symbol, size, window_start) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  ${database},
  'table-name' = 'orderbook_windows',
  ${batches}
)

-- Every window to the database.
INSERT INTO orderbook_windows_sink
SELECT
  CAST(TO_TIMESTAMP_LTZ(window_start, 3) AS TIMESTAMP(3)),
  venue,
  symbol,
  size,
  updates,
  imbalance_open,
  imbalance_high,
  imbalance_low,
  imbalance_close,
  imbalance_mean,
  imbalance_twa,
  weighted_imbalance_open,
  weighted_imbalance_high,
  weighted_imbalance_low,
  weighted_imbalance_close,
  weighted_imbalance_mean,
  spread_twa,
  spread_bps_mean,
  bid_depth_mean,
  ask_depth_mean,
  ofi_sum,
  microprice_last,
  out_of_sync
FROM checked_windows
WHERE refused_fields = ''

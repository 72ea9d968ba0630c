-- One row per symbol, window size (1s, 10s, 1m) and window start in which the book was updated or out of sync: the rows
-- of window_records with times as timestamps.
-- Key (venue, symbol, size, window_start). Time: none (window_start, window_end as TIMESTAMP, UTC).
CREATE TEMPORARY VIEW windows AS
SELECT
  venue,
  symbol,
  size,
  CAST(TO_TIMESTAMP_LTZ(window_start, 3) AS TIMESTAMP(3)) AS window_start,
  CAST(TO_TIMESTAMP_LTZ(window_end, 3) AS TIMESTAMP(3)) AS window_end,
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
  out_of_sync,
  late
FROM window_records
WHERE window_start BETWEEN 0 AND 253402300000000

-- One row per row of standing_seconds, as a window of its own: what stood before its first moment weighs with the time that it stood.
-- Key (venue, symbol, size, window_start). Time: none (window_start as TIMESTAMP, UTC).
CREATE TEMPORARY VIEW sums_1s AS
SELECT
  venue,
  symbol,
  '1s' AS size,
  1000.0E0 AS length_ms,
  second_start AS window_start,
  second_end AS window_end,
  updates,
  imbalance_open,
  imbalance_high,
  imbalance_low,
  imbalance_close,
  imbalance_sum,
  imbalance_count,
  weighted_open,
  weighted_high,
  weighted_low,
  weighted_close,
  weighted_sum,
  weighted_count,
  spread_bps_sum,
  spread_bps_count,
  bid_depth_sum,
  ask_depth_sum,
  ofi_sum,
  microprice_close AS microprice_last,
  imbalance_area + carried_ms * before_imbalance AS imbalance_area,
  spread_area + carried_ms * before_spread AS spread_area,
  counted_ms + carried_ms * before_counted AS counted_ms,
  out_ms + carried_ms * before_out AS out_ms,
  last_imbalance,
  last_spread,
  last_counted,
  last_out,
  0 AS tail_ms
FROM (
  SELECT *, CASE WHEN before_end > second_start THEN 0 ELSE lead_ms END AS carried_ms
  FROM standing_seconds
)

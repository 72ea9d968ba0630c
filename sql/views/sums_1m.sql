-- One row per symbol and minute with a moment of its book in it: sums over its seconds. What stood
-- before the first of them and between them (carried_ms) weighs with the time that it stood; what stands after the last, until the end
-- (tail_ms), is for whoever reads. Key (venue, symbol, size, window_start). Time: none (window_start as TIMESTAMP, UTC).
CREATE TEMPORARY VIEW sums_1m AS
SELECT
  venue,
  symbol,
  '1m' AS size,
  60000.0E0 AS length_ms,
  window_start,
  window_end,
  SUM(updates) AS updates,
  FIRST_VALUE(imbalance_open) AS imbalance_open,
  MAX(imbalance_high) AS imbalance_high,
  MIN(imbalance_low) AS imbalance_low,
  LAST_VALUE(imbalance_close) AS imbalance_close,
  SUM(imbalance_sum) AS imbalance_sum,
  SUM(imbalance_count) AS imbalance_count,
  FIRST_VALUE(weighted_open) AS weighted_open,
  MAX(weighted_high) AS weighted_high,
  MIN(weighted_low) AS weighted_low,
  LAST_VALUE(weighted_close) AS weighted_close,
  SUM(weighted_sum) AS weighted_sum,
  SUM(weighted_count) AS weighted_count,
  SUM(spread_bps_sum) AS spread_bps_sum,
  SUM(spread_bps_count) AS spread_bps_count,
  SUM(bid_depth_sum) AS bid_depth_sum,
  SUM(ask_depth_sum) AS ask_depth_sum,
  SUM(ofi_sum) AS ofi_sum,
  LAST_VALUE(microprice_close) AS microprice_last,
  SUM(imbalance_area + carried_ms * before_imbalance) AS imbalance_area,
  SUM(spread_area + carried_ms * before_spread) AS spread_area,
  SUM(counted_ms + carried_ms * before_counted) AS counted_ms,
  SUM(out_ms + carried_ms * before_out) AS out_ms,
  LAST_VALUE(last_imbalance) AS last_imbalance,
  LAST_VALUE(last_spread) AS last_spread,
  LAST_VALUE(last_counted) AS last_counted,
  LAST_VALUE(last_out) AS last_out,
  MIN(until_end_ms) AS tail_ms
FROM (
  SELECT
    *,
    CASE
      WHEN before_end > second_start THEN 0
      WHEN before_end > window_start THEN lead_ms + 1000 * TIMESTAMPDIFF(SECOND, before_end, second_start)
      ELSE lead_ms + 1000 * TIMESTAMPDIFF(SECOND, window_start, second_start)
    END AS carried_ms,
    1000 * TIMESTAMPDIFF(SECOND, second_end, window_end) AS until_end_ms
  FROM TABLE(TUMBLE(TABLE standing_seconds, DESCRIPTOR(closed_ts), INTERVAL '1' MINUTE))
)
GROUP BY venue, symbol, window_start, window_end

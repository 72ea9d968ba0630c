-- One row per symbol and second with a moment in it: sums, extremes and `stood`, what opened, closed and how long each stood.
-- Key (venue, symbol, second_start). Time: closed_ts, the second's last millisecond. `stood` is a row of market/standing.py's figures.
CREATE TEMPORARY VIEW book_seconds AS
SELECT
  venue,
  symbol,
  window_start AS second_start,
  window_end AS second_end,
  window_time AS closed_ts,
  SUM(updates) AS updates,
  MAX(imbalance) AS imbalance_high,
  MIN(imbalance) AS imbalance_low,
  SUM(imbalance) AS imbalance_sum,
  COUNT(imbalance) AS imbalance_count,
  MAX(weighted_imbalance) AS weighted_high,
  MIN(weighted_imbalance) AS weighted_low,
  SUM(weighted_imbalance) AS weighted_sum,
  COUNT(weighted_imbalance) AS weighted_count,
  SUM(spread_bps) AS spread_bps_sum,
  COUNT(spread_bps) AS spread_bps_count,
  SUM(bid_depth) AS bid_depth_sum,
  SUM(ask_depth) AS ask_depth_sum,
  SUM(ofi) AS ofi_sum,
  standing(ARRAY_AGG(moment), 1000 * EXTRACT(EPOCH FROM window_end)) AS stood
FROM TABLE(TUMBLE(TABLE book_moments, DESCRIPTOR(event_ts), INTERVAL '1' SECOND))
GROUP BY venue, symbol, window_start, window_end, window_time

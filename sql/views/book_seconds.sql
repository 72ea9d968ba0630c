-- One row per symbol and second with a tick in it: sums, extremes and `stood`, what opened, closed and how long each moment stood.
-- Key (venue, symbol, second_start). Time: closed_ts, the second's last millisecond. `stood` is a row of market/standing.py's figures.
CREATE TEMPORARY VIEW book_seconds AS
SELECT
  venue,
  symbol,
  window_start AS second_start,
  window_end AS second_end,
  window_time AS closed_ts,
  SUM(updates) AS updates,
  MAX(imbalance_high) AS imbalance_high,
  MIN(imbalance_low) AS imbalance_low,
  SUM(imbalance_sum) AS imbalance_sum,
  SUM(imbalance_count) AS imbalance_count,
  MAX(weighted_high) AS weighted_high,
  MIN(weighted_low) AS weighted_low,
  SUM(weighted_sum) AS weighted_sum,
  SUM(weighted_count) AS weighted_count,
  SUM(spread_bps_sum) AS spread_bps_sum,
  SUM(spread_bps_count) AS spread_bps_count,
  SUM(bid_depth_sum) AS bid_depth_sum,
  SUM(ask_depth_sum) AS ask_depth_sum,
  SUM(ofi_sum) AS ofi_sum,
  standing(ARRAY_AGG(moments), 1000 * EXTRACT(EPOCH FROM window_end)) AS stood
FROM TABLE(TUMBLE(TABLE book_ticks, DESCRIPTOR(tick_ts), INTERVAL '1' SECOND))
GROUP BY venue, symbol, window_start, window_end, window_time

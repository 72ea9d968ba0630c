-- One row per symbol and tenth of a second with a moment of its book in it: extremes and sums, and the moments themselves.
-- Key (venue, symbol, tick_ts). Time: tick_ts, the tick's last millisecond; event_time is that of its last moment.
-- in_sync is 0 if the book was lost in it, one_sided 1 if a side was ever empty: no alert may come of either.
CREATE TEMPORARY VIEW book_ticks AS
SELECT
  venue,
  symbol,
  window_time AS tick_ts,
  MAX(event_time) AS event_time,
  MIN(in_sync) AS in_sync,
  MAX(one_sided) AS one_sided,
  SUM(updates) AS updates,
  MIN(imbalance) AS imbalance_low,
  MAX(imbalance) AS imbalance_high,
  SUM(imbalance) AS imbalance_sum,
  COUNT(imbalance) AS imbalance_count,
  MIN(weighted_imbalance) AS weighted_low,
  MAX(weighted_imbalance) AS weighted_high,
  SUM(weighted_imbalance) AS weighted_sum,
  COUNT(weighted_imbalance) AS weighted_count,
  SUM(spread_bps) AS spread_bps_sum,
  COUNT(spread_bps) AS spread_bps_count,
  MIN(bid_depth) AS bid_depth_low,
  MAX(bid_depth) AS bid_depth_high,
  SUM(bid_depth) AS bid_depth_sum,
  MIN(ask_depth) AS ask_depth_low,
  MAX(ask_depth) AS ask_depth_high,
  SUM(ask_depth) AS ask_depth_sum,
  SUM(ofi) AS ofi_sum,
  ARRAY_AGG(moment) AS moments
FROM TABLE(TUMBLE(TABLE book_moments, DESCRIPTOR(event_ts), INTERVAL '0.1' SECOND))
GROUP BY venue, symbol, window_start, window_end, window_time

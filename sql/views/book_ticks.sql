-- One row per symbol and tenth of a second with a moment of its book in it: extremes of imbalance and of each side's depth.
-- Key (venue, symbol, tick_ts). Time: tick_ts, the tick's last millisecond; event_time is that of its last moment.
-- in_sync is 0 if the book was lost in it, one_sided 1 if a side was ever empty: no alert may come of either.
CREATE TEMPORARY VIEW book_ticks AS
SELECT
  venue,
  symbol,
  window_time AS tick_ts,
  MIN(imbalance) AS imbalance_low,
  MAX(imbalance) AS imbalance_high,
  MIN(bid_depth) AS bid_depth_low,
  MAX(bid_depth) AS bid_depth_high,
  MIN(ask_depth) AS ask_depth_low,
  MAX(ask_depth) AS ask_depth_high,
  MAX(event_time) AS event_time,
  MIN(in_sync) AS in_sync,
  MAX(one_sided) AS one_sided
FROM TABLE(TUMBLE(TABLE tick_moments, DESCRIPTOR(event_ts), INTERVAL '0.1' SECOND))
GROUP BY venue, symbol, window_start, window_end, window_time

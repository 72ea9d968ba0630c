-- One row per row of book_ticks, beside the last five seconds: ticks with an update; unusable, those in which the book was lost or a side
-- was empty; bid_mean and ask_mean, the mean depth of each side.
-- Key (venue, symbol, tick_ts). Time: tick_ts.
CREATE TEMPORARY VIEW tick_history AS
SELECT
  venue,
  symbol,
  tick_ts,
  event_time,
  in_sync,
  one_sided,
  imbalance_low,
  imbalance_high,
  bid_depth_low,
  bid_depth_high,
  ask_depth_low,
  ask_depth_high,
  COUNT(bid_depth_low) OVER five_seconds AS ticks,
  SUM(1 - in_sync + one_sided) OVER five_seconds AS unusable,
  SUM(bid_depth_sum) OVER five_seconds / NULLIF(SUM(updates) OVER five_seconds, 0) AS bid_mean,
  SUM(ask_depth_sum) OVER five_seconds / NULLIF(SUM(updates) OVER five_seconds, 0) AS ask_mean
FROM book_ticks
WINDOW five_seconds AS (PARTITION BY venue, symbol ORDER BY tick_ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW)

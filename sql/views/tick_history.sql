-- One row per row of book_ticks, beside the last five seconds: ticks, the most and the least depth of each side, and usable, 0 if the book
-- was lost within them or a side was empty.
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
  MIN(in_sync - one_sided) OVER five_seconds AS usable,
  COUNT(*) OVER five_seconds AS ticks,
  MAX(bid_depth_high) OVER five_seconds AS bid_most,
  MIN(bid_depth_low) OVER five_seconds AS bid_least,
  MAX(ask_depth_high) OVER five_seconds AS ask_most,
  MIN(ask_depth_low) OVER five_seconds AS ask_least
FROM book_ticks
WINDOW five_seconds AS (PARTITION BY venue, symbol ORDER BY tick_ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW)

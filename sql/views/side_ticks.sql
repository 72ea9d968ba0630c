-- One row per row of tick_readings and side on which a wall may stand or have stood: its most depth within five seconds is twice its least.
-- The least and the most depth of that side, and the most of the tick before.
-- Key (venue, symbol, side, tick_ts). Time: tick_ts. None where the book is of no use.
CREATE TEMPORARY VIEW side_ticks AS
SELECT
  venue,
  symbol,
  tick_ts,
  event_time,
  'bid' AS side,
  bid_depth_low AS depth_low,
  bid_depth_high AS depth_high,
  bid_high_before AS high_before
FROM tick_readings
WHERE in_sync = 1 AND one_sided = 0 AND bid_depth_low > 0 AND bid_most >= 2 * bid_least
UNION ALL
SELECT venue, symbol, tick_ts, event_time, 'ask', ask_depth_low, ask_depth_high, ask_high_before
FROM tick_readings
WHERE in_sync = 1 AND one_sided = 0 AND ask_depth_low > 0 AND ask_most >= 2 * ask_least

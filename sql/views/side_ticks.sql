-- One row per row of tick_readings and side whose depth at least doubled from the tick before, or at least halved.
-- The least depth of that side, and the least and the most of the tick before.
-- Key (venue, symbol, side, tick_ts). Time: tick_ts. None where the book is of no use.
CREATE TEMPORARY VIEW side_ticks AS
SELECT
  venue,
  symbol,
  tick_ts,
  event_time,
  'bid' AS side,
  bid_depth_low AS depth_low,
  bid_low_before AS low_before,
  bid_high_before AS high_before
FROM tick_readings
WHERE
  in_sync = 1 AND one_sided = 0 AND bid_depth_low > 0
  AND (bid_high_before > 0 AND bid_depth_low >= 2 * bid_high_before OR 2 * bid_depth_low <= bid_low_before)
UNION ALL
SELECT venue, symbol, tick_ts, event_time, 'ask', ask_depth_low, ask_low_before, ask_high_before
FROM tick_readings
WHERE
  in_sync = 1 AND one_sided = 0 AND ask_depth_low > 0
  AND (ask_high_before > 0 AND ask_depth_low >= 2 * ask_high_before OR 2 * ask_depth_low <= ask_low_before)

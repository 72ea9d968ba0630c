-- One row per row of tick_history and side, unless the book is of no use: the least and the most depth of that side.
-- Key (venue, symbol, side, tick_ts). Time: tick_ts.
CREATE TEMPORARY VIEW side_ticks AS
SELECT venue, symbol, tick_ts, event_time, 'bid' AS side, bid_depth_low AS depth_low, bid_depth_high AS depth_high
FROM tick_history
WHERE in_sync = 1 AND one_sided = 0 AND bid_depth_low > 0
UNION ALL
SELECT venue, symbol, tick_ts, event_time, 'ask' AS side, ask_depth_low AS depth_low, ask_depth_high AS depth_high
FROM tick_history
WHERE in_sync = 1 AND one_sided = 0 AND ask_depth_low > 0

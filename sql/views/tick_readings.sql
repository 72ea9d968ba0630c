-- One row per row of tick_history, with what the rules look at: imbalance, the one that held through the whole tick (0 where its sign
-- changed or the book was lost); withdrawn, the share that the thinner side has lost against its own most of the last five seconds (0 while
-- the book was lost within them, or has not been seen for a second's ticks); calm, 0 where no side lost half its depth at once, else null.
-- Key (venue, symbol, read_ts). Time: read_ts.
CREATE TEMPORARY VIEW tick_readings AS
SELECT
  venue,
  symbol,
  tick_ts AS read_ts,
  event_time,
  CASE
    WHEN in_sync = 0 OR one_sided = 1 THEN 0.0E0
    WHEN imbalance_low > 0 THEN imbalance_low
    WHEN imbalance_high < 0 THEN imbalance_high
    ELSE 0.0E0
  END AS imbalance,
  CASE
    WHEN usable = 0 OR ticks < 10 THEN 0.0E0
    ELSE COALESCE(GREATEST(1 - bid_depth_low / NULLIF(bid_most, 0), 1 - ask_depth_low / NULLIF(ask_most, 0)), 0.0E0)
  END AS withdrawn,
  CASE
    WHEN in_sync = 1 AND one_sided = 0 AND bid_depth_low * 2 > bid_before AND ask_depth_low * 2 > ask_before THEN 0.0E0
  END AS calm
FROM tick_history

-- One row per row of tick_history with what the rules look at, beside the tick before it (`_before`; null for a book's first tick):
-- imbalance, the one that held through the whole tick (0 where its sign changed or the book was lost); withdrawn, the share that the side
-- which lost less has lost against its mean of the last five seconds (0 while the book was lost within them, or has not been seen for a
-- second's ticks): a price that moves takes depth from one side, makers who leave take it from both.
-- Key (venue, symbol, tick_ts). Time: tick_ts.
-- The filter holds always: what several views read is planned once where it ends in one.
CREATE TEMPORARY VIEW tick_readings AS
SELECT *
FROM (
  SELECT
    *,
    LAG(imbalance) OVER by_time AS imbalance_before,
    LAG(withdrawn) OVER by_time AS withdrawn_before,
    LAG(bid_depth_low) OVER by_time AS bid_low_before,
    LAG(bid_depth_low, 2) OVER by_time AS bid_low_two_before,
    LAG(bid_depth_high) OVER by_time AS bid_high_before,
    LAG(ask_depth_low) OVER by_time AS ask_low_before,
    LAG(ask_depth_low, 2) OVER by_time AS ask_low_two_before,
    LAG(ask_depth_high) OVER by_time AS ask_high_before
  FROM (
    SELECT
      venue,
      symbol,
      tick_ts,
      event_time,
      in_sync,
      one_sided,
      bid_depth_low,
      bid_depth_high,
      ask_depth_low,
      ask_depth_high,
      CASE
        WHEN in_sync = 0 OR one_sided = 1 THEN 0.0E0
        WHEN imbalance_low > 0 THEN imbalance_low
        WHEN imbalance_high < 0 THEN imbalance_high
        ELSE 0.0E0
      END AS imbalance,
      CASE
        WHEN unusable > 0 OR ticks < 10 THEN 0.0E0
        ELSE COALESCE(LEAST(1 - bid_depth_low / NULLIF(bid_mean, 0), 1 - ask_depth_low / NULLIF(ask_mean, 0)), 0.0E0)
      END AS withdrawn
    FROM tick_history
  )
  WINDOW by_time AS (PARTITION BY venue, symbol ORDER BY tick_ts)
)
WHERE event_time IS NOT NULL

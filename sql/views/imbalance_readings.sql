-- One row per row of book_ticks: the imbalance that held through the whole tick (0 where its sign changed or the book was lost).
-- Key (rule, venue, symbol, read_ts). Time: read_ts.
CREATE TEMPORARY VIEW imbalance_readings AS
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
  END AS `value`
FROM book_ticks

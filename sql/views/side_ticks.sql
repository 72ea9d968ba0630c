-- One row per row of book_ticks and side: the least and the most depth of that side, null while the book is of no use.
-- Key (venue, symbol, side, tick_ts). Time: tick_ts. depth_before: the least of the tick before.
CREATE TEMPORARY VIEW side_ticks AS
SELECT
  *,
  FIRST_VALUE(depth_low) OVER (
    PARTITION BY venue, symbol, side ORDER BY tick_ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
  ) AS depth_before
FROM (
  SELECT venue, symbol, tick_ts, event_time, 'bid' AS side, bid_depth_low AS depth_low, bid_depth_high AS depth_high
  FROM book_ticks
  WHERE in_sync = 1 AND one_sided = 0 AND bid_depth_low > 0
  UNION ALL
  SELECT venue, symbol, tick_ts, event_time, 'ask' AS side, ask_depth_low AS depth_low, ask_depth_high AS depth_high
  FROM book_ticks
  WHERE in_sync = 1 AND one_sided = 0 AND ask_depth_low > 0
)

-- One row per row of book_ticks, beside the tick before it (`_before`; for a book's first tick, itself) and the last five seconds: ticks,
-- the most depth of each side, and usable, 0 if the book was lost within them or a side was empty.
-- Key (venue, symbol, tick_ts). Time: tick_ts. The filter holds always: what several views read is planned once where it ends in one.
CREATE TEMPORARY VIEW tick_history AS
SELECT *
FROM (
  SELECT
    *,
    MIN(in_sync - one_sided) OVER five_seconds AS usable,
    COUNT(*) OVER five_seconds AS ticks,
    MAX(bid_depth_high) OVER five_seconds AS bid_most,
    MAX(ask_depth_high) OVER five_seconds AS ask_most
  FROM (
    SELECT
      *,
      FIRST_VALUE(bid_depth_low) OVER one_before AS bid_before,
      FIRST_VALUE(ask_depth_low) OVER one_before AS ask_before
    FROM book_ticks
    WINDOW one_before AS (PARTITION BY venue, symbol ORDER BY tick_ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
  )
  WINDOW five_seconds AS (
    PARTITION BY venue, symbol ORDER BY tick_ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW
  )
)
WHERE event_time IS NOT NULL

-- One row per row of book_ticks: the share that the thinner of its sides has lost against its own most of the last five seconds.
-- Key (venue, symbol, read_ts). Time: read_ts. 0 while the book was lost within them, or has not been seen for a second's ticks.
CREATE TEMPORARY VIEW liquidity_readings AS
SELECT
  venue,
  symbol,
  tick_ts AS read_ts,
  event_time,
  CASE
    WHEN usable = 0 OR ticks < 10 THEN 0.0E0
    ELSE COALESCE(GREATEST(1 - bid_depth_low / NULLIF(bid_most, 0), 1 - ask_depth_low / NULLIF(ask_most, 0)), 0.0E0)
  END AS `value`
FROM (
  SELECT
    *,
    MIN(in_sync - one_sided) OVER five_seconds AS usable,
    COUNT(*) OVER five_seconds AS ticks,
    MAX(bid_depth_high) OVER five_seconds AS bid_most,
    MAX(ask_depth_high) OVER five_seconds AS ask_most
  FROM book_ticks
  WINDOW five_seconds AS (
    PARTITION BY venue, symbol ORDER BY tick_ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW
  )
)

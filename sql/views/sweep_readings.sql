-- One row per symbol and tenth of a second with trades: the most price levels that one side took within one millisecond;
-- negative where it was sellers.
-- Key (venue, symbol, read_ts). Time: read_ts.
CREATE TEMPORARY VIEW sweep_readings AS
SELECT
  venue,
  symbol,
  window_time AS read_ts,
  MAX(event_time) AS event_time,
  CAST(CASE WHEN MAX(bought) >= MAX(sold) THEN MAX(bought) ELSE -MAX(sold) END AS DOUBLE) AS `value`
FROM (
  SELECT
    venue,
    symbol,
    event_time,
    window_start,
    window_end,
    window_time,
    COUNT(DISTINCT CASE side WHEN 'buy' THEN price END) AS bought,
    COUNT(DISTINCT CASE side WHEN 'sell' THEN price END) AS sold
  FROM TABLE(TUMBLE(TABLE timed_trades, DESCRIPTOR(event_ts), INTERVAL '0.1' SECOND))
  GROUP BY venue, symbol, event_time, window_start, window_end, window_time
)
GROUP BY venue, symbol, window_start, window_end, window_time

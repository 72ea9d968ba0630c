-- One row per symbol and second with trades: open, high, low, close, volume, VWAP, signed volume (taker buys less taker sells), counts.
-- Key (venue, symbol, bar_start). Time: closed_ts, the second's last millisecond. First and last in the order of the topic.
-- In the time of trades alone: that of the books may pass those that the same commit brings, and they come by another reader. So a bar
-- waits until each partition of trades has a later one or counts as idle; the last before all are silent, until that is over.
CREATE TEMPORARY VIEW trades_1s AS
SELECT
  venue,
  symbol,
  window_start AS bar_start,
  window_end AS bar_end,
  window_time AS closed_ts,
  FIRST_VALUE(price) AS `open`,
  MAX(price) AS high,
  MIN(price) AS low,
  LAST_VALUE(price) AS `close`,
  SUM(size) AS volume,
  SUM(price * size) AS notional,
  SUM(price * size) / NULLIF(SUM(size), 0) AS vwap,
  SUM(CASE side WHEN 'buy' THEN size ELSE -size END) AS signed_volume,
  COUNT(*) AS trades,
  COUNT(CASE side WHEN 'buy' THEN 1 END) AS buys
FROM TABLE(TUMBLE(TABLE good_trades, DESCRIPTOR(event_ts), INTERVAL '1' SECOND))
GROUP BY venue, symbol, window_start, window_end, window_time

-- One row per symbol and minute with trades, from trades_1s. The database has the same from its own seconds (trades_1m there).
-- Key (venue, symbol, bar_start). Time: closed_ts, the minute's last millisecond.
CREATE TEMPORARY VIEW trades_1m AS
SELECT
  venue,
  symbol,
  window_start AS bar_start,
  window_end AS bar_end,
  window_time AS closed_ts,
  FIRST_VALUE(`open`) AS `open`,
  MAX(high) AS high,
  MIN(low) AS low,
  LAST_VALUE(`close`) AS `close`,
  SUM(volume) AS volume,
  SUM(notional) AS notional,
  SUM(notional) / NULLIF(SUM(volume), 0) AS vwap,
  SUM(signed_volume) AS signed_volume,
  SUM(trades) AS trades,
  SUM(buys) AS buys
FROM TABLE(TUMBLE(TABLE trades_1s, DESCRIPTOR(closed_ts), INTERVAL '1' MINUTE))
GROUP BY venue, symbol, window_start, window_end, window_time

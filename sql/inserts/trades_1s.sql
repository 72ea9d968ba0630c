-- Every second's trades to the database.
INSERT INTO trades_1s_sink
SELECT
  CAST(TO_TIMESTAMP_LTZ(window_start, 3) AS TIMESTAMP(3)),
  venue,
  symbol,
  `open`,
  high,
  low,
  `close`,
  volume,
  notional,
  vwap,
  signed_volume,
  trades,
  buys
FROM checked_trade_bars
WHERE refused_fields = ''

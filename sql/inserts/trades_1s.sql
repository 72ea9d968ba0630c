-- Every second's trades into the database.
INSERT INTO trades_1s_sink
SELECT
  bar_start,
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
FROM trades_1s

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
FROM trade_bars
WHERE REGEXP(venue, '\A[^\x00]{1,64}\z')
  AND REGEXP(symbol, '\A[^\x00]{1,64}\z')
  AND window_start BETWEEN 0 AND 253402300000000
  AND `open` IS NOT NULL AND high IS NOT NULL AND low IS NOT NULL AND `close` IS NOT NULL AND volume IS NOT NULL
  AND notional IS NOT NULL AND signed_volume IS NOT NULL AND trades IS NOT NULL AND buys IS NOT NULL

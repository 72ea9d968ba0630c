-- Trade prices of a symbol against its book, minute by minute: VWAP over mean mid, in basis points.
-- set symbol = 'BTCUSDT': symbol such as BTCUSDT, a LIKE pattern
-- set venue = '%': venue id, a LIKE pattern
WITH traded AS (
  SELECT
    venue,
    symbol,
    FLOOR(event_ts TO MINUTE) AS `minute`,
    COUNT(*) AS trades,
    SUM(size) AS volume,
    SUM(price * size) / SUM(size) AS vwap
  FROM trades
  WHERE symbol LIKE ${symbol} AND venue LIKE ${venue} AND size > 0
  GROUP BY venue, symbol, FLOOR(event_ts TO MINUTE)
),
quoted AS (
  SELECT venue, symbol, FLOOR(event_ts TO MINUTE) AS `minute`, AVG(mid) AS mid
  FROM processed
  WHERE symbol LIKE ${symbol} AND venue LIKE ${venue} AND mid IS NOT NULL
  GROUP BY venue, symbol, FLOOR(event_ts TO MINUTE)
)
SELECT
  traded.venue,
  traded.symbol,
  traded.`minute`,
  traded.trades,
  ROUND(traded.volume, 4) AS volume,
  ROUND(traded.vwap, 4) AS vwap,
  ROUND(quoted.mid, 4) AS mid,
  ROUND((traded.vwap - quoted.mid) / quoted.mid * 10000, 3) AS vwap_over_mid_bps
FROM traded
JOIN quoted ON traded.venue = quoted.venue AND traded.symbol = quoted.symbol AND traded.`minute` = quoted.`minute`
ORDER BY traded.venue, traded.symbol, traded.`minute`

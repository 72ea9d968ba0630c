-- Volume of taker buys and sells of a symbol, minute by minute, and their cumulative difference (CVD).
-- set symbol = 'BTCUSDT': symbol such as BTCUSDT, a LIKE pattern
-- set venue = '%': venue id, a LIKE pattern
WITH minutes AS (
  SELECT
    venue,
    symbol,
    FLOOR(event_ts TO MINUTE) AS `minute`,
    COUNT(*) AS trades,
    SUM(CASE side WHEN 'buy' THEN size ELSE 0 END) AS bought,
    SUM(CASE side WHEN 'sell' THEN size ELSE 0 END) AS sold
  FROM trades
  WHERE symbol LIKE ${symbol} AND venue LIKE ${venue} AND size > 0
  GROUP BY venue, symbol, FLOOR(event_ts TO MINUTE)
)
SELECT
  venue,
  symbol,
  `minute`,
  trades,
  ROUND(bought, 4) AS bought,
  ROUND(sold, 4) AS sold,
  ROUND(
    SUM(bought - sold) OVER (
      PARTITION BY venue, symbol ORDER BY `minute` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ),
    4
  ) AS cvd
FROM minutes
ORDER BY venue, symbol, `minute`

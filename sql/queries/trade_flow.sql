-- Who was in a hurry: volume of taker buys and sells of a symbol minute by minute, and their difference added up (CVD).
-- set symbol = 'BTCUSDT': BTCUSDT, BTC/USD … (LIKE)
-- set venue = '%': binance, kraken … (LIKE)
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
FROM (
  SELECT
    venue,
    symbol,
    FLOOR(event_ts TO MINUTE) AS `minute`,
    COUNT(*) AS trades,
    SUM(CASE side WHEN 'buy' THEN size ELSE 0 END) AS bought,
    SUM(CASE side WHEN 'sell' THEN size ELSE 0 END) AS sold
  FROM good_trades
  WHERE symbol LIKE ${symbol} AND venue LIKE ${venue}
  GROUP BY venue, symbol, FLOOR(event_ts TO MINUTE)
)
ORDER BY venue, symbol, `minute`

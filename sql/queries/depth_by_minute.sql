-- How much lay in the best levels of a symbol, minute by minute: mean and least of each side, over updates.
-- set symbol = 'BTCUSDT': BTCUSDT, BTC/USD … (LIKE)
-- set venue = '%': binance, kraken … (LIKE)
SELECT
  venue,
  symbol,
  FLOOR(event_ts TO MINUTE) AS `minute`,
  COUNT(*) AS updates,
  ROUND(AVG(bid_depth), 4) AS bid_depth,
  ROUND(AVG(ask_depth), 4) AS ask_depth,
  ROUND(MIN(bid_depth), 4) AS least_bid_depth,
  ROUND(MIN(ask_depth), 4) AS least_ask_depth,
  ROUND(AVG(imbalance), 4) AS imbalance
FROM processed
WHERE symbol LIKE ${symbol} AND venue LIKE ${venue}
GROUP BY venue, symbol, FLOOR(event_ts TO MINUTE)
ORDER BY venue, symbol, `minute`

-- Depth in the best levels of a symbol, minute by minute: mean and minimum of each side, over updates.
-- set symbol = 'BTCUSDT': symbol such as BTCUSDT, a LIKE pattern
-- set venue = '%': venue id, a LIKE pattern
SELECT
  venue,
  symbol,
  FLOOR(event_ts TO MINUTE) AS `minute`,
  COUNT(*) AS updates,
  ROUND(AVG(bid_depth), 4) AS bid_depth,
  ROUND(AVG(ask_depth), 4) AS ask_depth,
  ROUND(MIN(bid_depth), 4) AS min_bid_depth,
  ROUND(MIN(ask_depth), 4) AS min_ask_depth,
  ROUND(AVG(imbalance), 4) AS imbalance
FROM processed
WHERE symbol LIKE ${symbol} AND venue LIKE ${venue}
GROUP BY venue, symbol, FLOOR(event_ts TO MINUTE)
ORDER BY venue, symbol, `minute`

-- The newest record of every book, the most lopsided first.
-- set venue = '%': binance, kraken … (LIKE)
-- set top = 20: rows
SELECT
  venue,
  symbol,
  event_ts,
  best_bid,
  best_ask,
  ROUND(spread_bps, 3) AS spread_bps,
  ROUND(imbalance, 4) AS imbalance,
  ROUND(weighted_imbalance, 4) AS weighted_imbalance
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY venue, symbol ORDER BY event_time DESC, update_id DESC) AS place
  FROM processed
  WHERE venue LIKE ${venue} AND imbalance IS NOT NULL
)
WHERE place = 1
ORDER BY ABS(imbalance) DESC, venue, symbol
LIMIT ${top}

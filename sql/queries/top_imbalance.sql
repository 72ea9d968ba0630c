-- The newest record of every book, the largest imbalance first.
-- set venue = '%': venue id, a LIKE pattern
-- set top = 20: number of rows
WITH ranked AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY venue, symbol ORDER BY event_time DESC, update_id DESC) AS row_num
  FROM processed
  WHERE venue LIKE ${venue} AND imbalance IS NOT NULL
)
SELECT
  venue,
  symbol,
  event_ts,
  best_bid,
  best_ask,
  ROUND(spread_bps, 3) AS spread_bps,
  ROUND(imbalance, 4) AS imbalance,
  ROUND(weighted_imbalance, 4) AS weighted_imbalance
FROM ranked
WHERE row_num = 1
ORDER BY ABS(imbalance) DESC, venue, symbol
LIMIT ${top}

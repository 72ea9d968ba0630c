-- Books by their median spread, the tightest first; over updates, not over time.
-- set venue = '%': venue id, a LIKE pattern
-- set top = 50: number of rows
SELECT
  venue,
  symbol,
  COUNT(spread_bps) AS updates,
  ROUND(PERCENTILE(spread_bps, 0.5), 3) AS median_bps,
  ROUND(PERCENTILE(spread_bps, 0.95), 3) AS p95_bps,
  ROUND(MAX(spread_bps), 3) AS widest_bps
FROM processed
WHERE venue LIKE ${venue} AND spread_bps IS NOT NULL
GROUP BY venue, symbol
ORDER BY median_bps, venue, symbol
LIMIT ${top}

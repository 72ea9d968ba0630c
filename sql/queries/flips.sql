-- Imbalances that were strong on one side and then, within a time limit, on the other; the newest first.
-- set symbol = '%': symbol such as BTCUSDT, a LIKE pattern
-- set threshold = 0.5: absolute imbalance that counts as strong
-- set within_s = 5: time limit in seconds
-- set top = 100: number of rows
WITH imbalances AS (
  SELECT venue, symbol, event_ts, event_time, update_id, imbalance
  FROM processed
  WHERE symbol LIKE ${symbol} AND imbalance IS NOT NULL AND NOT ARRAY_CONTAINS(flags, 'one_sided')
)
SELECT
  venue,
  symbol,
  flipped_at,
  ROUND(was, 4) AS was,
  ROUND(became, 4) AS became,
  took_ms
FROM imbalances
MATCH_RECOGNIZE (
  PARTITION BY venue, symbol
  ORDER BY event_ts, update_id
  MEASURES
    flipped.event_ts AS flipped_at,
    strong.imbalance AS was,
    flipped.imbalance AS became,
    flipped.event_time - strong.event_time AS took_ms
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST flipped
  PATTERN (strong weak* flipped) WITHIN INTERVAL '${within_s}' SECOND(10, 3)
  DEFINE
    strong AS ABS(strong.imbalance) >= ${threshold},
    weak AS ABS(weak.imbalance) < ${threshold},
    flipped AS ABS(flipped.imbalance) >= ${threshold} AND SIGN(flipped.imbalance) = -SIGN(strong.imbalance)
)
ORDER BY flipped_at DESC, venue, symbol
LIMIT ${top}

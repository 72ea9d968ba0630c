-- One row per moment of a book, as book_moments has them: exactly what book_ticks names of it, in its order.
-- Key (venue, symbol, event_time), not unique. Time: event_ts.
CREATE TEMPORARY VIEW tick_moments AS
SELECT
  venue,
  symbol,
  imbalance,
  bid_depth,
  ask_depth,
  event_time,
  1 AS in_sync,
  CASE WHEN ARRAY_CONTAINS(flags, 'one_sided') THEN 1 ELSE 0 END AS one_sided,
  event_ts
FROM processed
WHERE venue IS NOT NULL AND symbol IS NOT NULL AND event_time IS NOT NULL
UNION ALL
SELECT
  venue,
  symbol,
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  event_time,
  CASE WHEN state = 'synced' THEN 1 ELSE 0 END,
  0,
  event_ts
FROM statuses
WHERE venue IS NOT NULL AND symbol IS NOT NULL AND event_time IS NOT NULL

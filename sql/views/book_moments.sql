-- One row per moment of a book: an applied update (updates = 1) or a change of its state (updates = 0, values null).
-- Key (venue, symbol, event_time), not unique. Time: event_ts. Rows without key or time are left out; the topic deadletter has them.
CREATE TEMPORARY VIEW book_moments AS
SELECT
  venue,
  symbol,
  event_ts,
  event_time,
  1 AS updates,
  1 AS in_sync,
  imbalance,
  weighted_imbalance,
  spread,
  spread_bps,
  bid_depth,
  ask_depth,
  ofi,
  microprice,
  CASE WHEN ARRAY_CONTAINS(flags, 'one_sided') THEN 1 ELSE 0 END AS one_sided
FROM processed
WHERE venue IS NOT NULL AND symbol IS NOT NULL AND event_time IS NOT NULL
UNION ALL
SELECT
  venue,
  symbol,
  event_ts,
  event_time,
  0,
  CASE WHEN state = 'synced' THEN 1 ELSE 0 END,
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  0
FROM statuses
WHERE venue IS NOT NULL AND symbol IS NOT NULL AND event_time IS NOT NULL

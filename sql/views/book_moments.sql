-- One row per moment of a book: an applied update (updates = 1) or a change of its state (updates = 0, values null).
-- moment: time; 0 synced, 1 updated, 2 lost; imbalance, spread, weighted imbalance and microprice: for standing().
-- Key (venue, symbol, event_time), not unique. Time: event_ts.
-- Exactly the columns that book_ticks names, in its order: else an operator between source and window would sort them, row by row.
CREATE TEMPORARY VIEW book_moments AS
SELECT
  venue,
  symbol,
  event_time,
  1 AS in_sync,
  CASE WHEN ARRAY_CONTAINS(flags, 'one_sided') THEN 1 ELSE 0 END AS one_sided,
  1 AS updates,
  imbalance,
  weighted_imbalance,
  spread_bps,
  bid_depth,
  ask_depth,
  ofi,
  ARRAY[event_time, 1, imbalance, spread, weighted_imbalance, microprice] AS moment,
  event_ts
FROM good_records
UNION ALL
SELECT
  venue,
  symbol,
  event_time,
  CASE WHEN state = 'synced' THEN 1 ELSE 0 END,
  0,
  0,
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  CAST(NULL AS DOUBLE),
  ARRAY[event_time, CASE WHEN state = 'synced' THEN 0 ELSE 2 END, NULL, NULL, NULL, CAST(NULL AS DOUBLE)],
  event_ts
FROM statuses
WHERE venue IS NOT NULL AND symbol IS NOT NULL AND event_time IS NOT NULL

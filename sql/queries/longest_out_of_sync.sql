-- The longest times for which a book was out of sync. An outage that lasts (back_at empty) counts up to the newest
-- record of any book.
-- set venue = '%': venue id, a LIKE pattern
-- set top = 20: number of rows
WITH numbered AS (
  SELECT
    *,
    COALESCE(
      SUM(CASE WHEN state = 'synced' THEN 1 ELSE 0 END) OVER (
        PARTITION BY venue, symbol ORDER BY event_time, record_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ),
      0
    ) AS outage
  FROM statuses
  WHERE venue LIKE ${venue} AND symbol IS NOT NULL AND event_time IS NOT NULL
),
ranked AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY venue, symbol, outage ORDER BY event_time, record_offset) AS row_num
  FROM numbered
),
outages AS (
  SELECT
    venue,
    symbol,
    MIN(CASE WHEN state <> 'synced' THEN event_ts END) AS lost_at,
    MAX(CASE WHEN state = 'synced' THEN event_ts END) AS back_at,
    MAX(CASE WHEN row_num = 1 THEN reason END) AS reason
  FROM ranked
  GROUP BY venue, symbol, outage
)
SELECT
  venue,
  symbol,
  lost_at,
  back_at,
  CAST(TIMESTAMPDIFF(SECOND, lost_at, COALESCE(back_at, newest)) AS BIGINT) AS out_s,
  reason
FROM outages
CROSS JOIN (SELECT MAX(event_ts) AS newest FROM processed)
WHERE lost_at IS NOT NULL
ORDER BY out_s DESC, venue, symbol
LIMIT ${top}

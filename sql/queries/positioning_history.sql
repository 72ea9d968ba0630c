-- Put-call ratios and max pain of a chain's expiries, the last values of each minute, the newest first.
-- set underlying = 'BTC': underlying of the chain
-- set venue = 'deribit': venue
-- set expires = '%': day of the expiry, such as 2026-06-26, a LIKE pattern
-- set top = 60: number of rows
WITH chain AS (
  SELECT
    *,
    CAST(CAST(TO_TIMESTAMP_LTZ(expiry, 3) AS DATE) AS STRING) AS expires,
    FLOOR(TO_TIMESTAMP_LTZ(event_time, 3) TO MINUTE) AS minute_ts
  FROM option_chains
  WHERE underlying = ${underlying} AND venue = ${venue}
),
ranked AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY expires, minute_ts ORDER BY event_time DESC) AS row_num
  FROM chain
)
SELECT
  minute_ts,
  expires,
  ROUND(pcr_open_interest, 4) AS pcr_open_interest,
  ROUND(pcr_volume, 4) AS pcr_volume,
  max_pain,
  ROUND(forward, 2) AS forward,
  ROUND(max_pain / forward - 1, 4) AS distance
FROM ranked
WHERE row_num = 1 AND expires LIKE ${expires}
ORDER BY minute_ts DESC, expires
LIMIT ${top}

-- Put-call ratios and max pain of a chain's expiries, minute by minute as last said in it, the newest first.
-- set underlying = 'BTC': the chain
-- set venue = 'deribit': its venue
-- set expires = '%': the expiry's day, such as 2026-06-26 (LIKE)
-- set top = 60: rows
SELECT
  minute_ts,
  expires,
  ROUND(pcr_open_interest, 4) AS pcr_open_interest,
  ROUND(pcr_volume, 4) AS pcr_volume,
  max_pain,
  ROUND(forward, 2) AS forward,
  ROUND(max_pain / forward - 1, 4) AS distance
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY expires, minute_ts ORDER BY event_time DESC) AS place
  FROM (
    SELECT
      *,
      CAST(CAST(TO_TIMESTAMP_LTZ(expiry, 3) AS DATE) AS STRING) AS expires,
      FLOOR(TO_TIMESTAMP_LTZ(event_time, 3) TO MINUTE) AS minute_ts
    FROM option_chains
    WHERE underlying = ${underlying} AND venue = ${venue}
  )
)
WHERE place = 1 AND expires LIKE ${expires}
ORDER BY minute_ts DESC, expires
LIMIT ${top}

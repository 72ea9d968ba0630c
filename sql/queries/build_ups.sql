-- The largest changes of open interest among a chain's options within a number of minutes (60: an hour, 1440: a day),
-- with their build-up class.
-- set underlying = 'BTC': underlying of the chain
-- set venue = 'deribit': venue
-- set minutes = 60: length of the comparison, at most
-- set top = 20: number of rows
WITH chain AS (
  SELECT *, MAX(event_time) OVER (PARTITION BY venue, underlying) AS newest
  FROM option_surfaces
  WHERE underlying = ${underlying} AND venue = ${venue} AND open_interest IS NOT NULL
),
compared AS (
  SELECT
    *,
    FIRST_VALUE(open_interest) OVER (
      PARTITION BY instrument ORDER BY event_time ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS interest_before,
    ROW_NUMBER() OVER (PARTITION BY instrument ORDER BY event_time DESC) AS row_num
  FROM chain
  WHERE event_time >= newest - 60000 * ${minutes}
)
SELECT
  instrument,
  strike,
  kind,
  open_interest,
  ROUND(open_interest - interest_before, 4) AS open_interest_change,
  build_up
FROM compared
WHERE row_num = 1
ORDER BY ABS(open_interest - interest_before) DESC, instrument
LIMIT ${top}

-- The biggest changes of open interest among a chain's options within some minutes (60: an hour, 1440: a day), and what builds up there.
-- set underlying = 'BTC': the chain
-- set venue = 'deribit': its venue
-- set minutes = 60: how far back the comparison goes, at most
-- set top = 20: rows
SELECT
  instrument,
  strike,
  kind,
  open_interest,
  ROUND(open_interest - held_before, 4) AS held_change,
  build_up
FROM (
  SELECT
    *,
    FIRST_VALUE(open_interest) OVER (
      PARTITION BY instrument ORDER BY event_time ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS held_before,
    ROW_NUMBER() OVER (PARTITION BY instrument ORDER BY event_time DESC) AS place
  FROM (
    SELECT *, MAX(event_time) OVER (PARTITION BY venue, underlying) AS newest
    FROM option_surfaces
    WHERE underlying = ${underlying} AND venue = ${venue} AND open_interest IS NOT NULL
  )
  WHERE event_time >= newest - 60000 * ${minutes}
)
WHERE place = 1
ORDER BY ABS(open_interest - held_before) DESC, instrument
LIMIT ${top}

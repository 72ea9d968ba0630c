-- Every second of every option to the database. JDBC supports neither TIMESTAMP_LTZ nor arrays. PostgreSQL refuses text
-- with NUL.
INSERT INTO option_surface_sink
SELECT
  CAST(TO_TIMESTAMP_LTZ(event_time, 3) AS TIMESTAMP(3)),
  venue,
  underlying,
  instrument,
  CAST(TO_TIMESTAMP_LTZ(expiry, 3) AS TIMESTAMP(3)),
  strike,
  REPLACE(kind, U&'\0000', ''),
  event_time,
  quote_time,
  forward,
  bid,
  bid_size,
  ask,
  ask_size,
  mark,
  bid_iv,
  ask_iv,
  iv,
  mark_iv,
  fit_iv,
  delta,
  net_delta,
  gamma,
  vega,
  theta,
  open_interest,
  volume,
  gamma_usd,
  REPLACE(build_up, U&'\0000', ''),
  COALESCE(REPLACE(ARRAY_JOIN(flags, ','), U&'\0000', ''), ''),
  quote_age_ms
FROM option_surfaces
WHERE REGEXP(venue, '\A[^\x00]{1,64}\z')
  AND REGEXP(underlying, '\A[^\x00]{1,64}\z')
  AND REGEXP(instrument, '\A[^\x00]{1,64}\z')
  AND event_time BETWEEN 0 AND 253402300000000
  AND expiry BETWEEN 0 AND 253402300000000
  AND strike IS NOT NULL AND kind IS NOT NULL AND quote_time IS NOT NULL AND gamma_usd IS NOT NULL

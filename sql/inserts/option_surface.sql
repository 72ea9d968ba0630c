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
FROM checked_option_surfaces
WHERE refused_fields = ''

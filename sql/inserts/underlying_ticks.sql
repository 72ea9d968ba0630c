-- Every second of every chain to the database. JDBC supports neither TIMESTAMP_LTZ nor arrays.
INSERT INTO underlying_ticks_sink
SELECT
  CAST(TO_TIMESTAMP_LTZ(event_time, 3) AS TIMESTAMP(3)),
  venue,
  underlying,
  event_time,
  index_price,
  options,
  expiries,
  call_open_interest,
  put_open_interest,
  pcr_open_interest,
  pcr_volume,
  gamma_gross,
  gamma_naive,
  zero_gamma,
  COALESCE(REPLACE(ARRAY_JOIN(flags, ','), U&'\0000', ''), '')
FROM checked_underlying_ticks
WHERE refused_fields = ''

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
FROM underlying_ticks
WHERE REGEXP(venue, '\A[^\x00]{1,64}\z')
  AND REGEXP(underlying, '\A[^\x00]{1,64}\z')
  AND event_time BETWEEN 0 AND 253402300000000
  AND options IS NOT NULL AND expiries IS NOT NULL AND call_open_interest IS NOT NULL
  AND put_open_interest IS NOT NULL AND gamma_gross IS NOT NULL AND gamma_naive IS NOT NULL

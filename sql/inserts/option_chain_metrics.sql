-- Every second of every expiry to the database. JDBC supports neither TIMESTAMP_LTZ nor arrays. PostgreSQL refuses text
-- with NUL.
INSERT INTO option_chain_metrics_sink
SELECT
  CAST(TO_TIMESTAMP_LTZ(event_time, 3) AS TIMESTAMP(3)),
  venue,
  underlying,
  CAST(TO_TIMESTAMP_LTZ(expiry, 3) AS TIMESTAMP(3)),
  event_time,
  linear,
  strikes,
  options,
  years,
  forward,
  REPLACE(forward_source, U&'\0000', ''),
  index_price,
  call_open_interest,
  put_open_interest,
  pcr_open_interest,
  call_volume,
  put_volume,
  pcr_volume,
  max_pain,
  max_pain_low,
  max_pain_high,
  pain,
  max_pain_coin,
  call_wall,
  put_wall,
  call_premium,
  put_premium,
  atm_strike,
  straddle,
  straddle_coin,
  REPLACE(straddle_source, U&'\0000', ''),
  implied_move,
  atm_iv,
  risk_reversal_25,
  butterfly_25,
  skew_slope,
  forward_variance,
  forward_vol,
  gamma_gross,
  gamma_naive,
  zero_gamma,
  svi_a,
  svi_b,
  svi_rho,
  svi_m,
  svi_s,
  svi_points,
  svi_rmse,
  svi_worst,
  svi_butterfly,
  svi_calendar,
  COALESCE(REPLACE(ARRAY_JOIN(flags, ','), U&'\0000', ''), ''),
  quote_age_ms,
  stale_options,
  refused_options
FROM option_chains
WHERE REGEXP(venue, '\A[^\x00]{1,64}\z')
  AND REGEXP(underlying, '\A[^\x00]{1,64}\z')
  AND event_time BETWEEN 0 AND 253402300000000
  AND expiry BETWEEN 0 AND 253402300000000
  AND linear IS NOT NULL AND strikes IS NOT NULL AND options IS NOT NULL AND years IS NOT NULL
  AND call_open_interest IS NOT NULL AND put_open_interest IS NOT NULL AND call_volume IS NOT NULL
  AND put_volume IS NOT NULL AND call_premium IS NOT NULL AND put_premium IS NOT NULL AND gamma_gross IS NOT NULL
  AND gamma_naive IS NOT NULL AND svi_points IS NOT NULL

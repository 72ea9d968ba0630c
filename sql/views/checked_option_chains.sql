-- The rows of option_chains, each with the names of its fields that the database cannot store; none for a valid row.
-- Key (venue, underlying, expiry, event_time). Time: event_ts, watermark 1 s behind.
CREATE TEMPORARY VIEW checked_option_chains AS
SELECT
  *,
  CONCAT_WS(
    ', ',
    CASE WHEN REGEXP(venue, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'venue' END,
    CASE WHEN REGEXP(underlying, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'underlying' END,
    CASE WHEN expiry BETWEEN 0 AND 253402300000000 THEN NULL ELSE 'expiry' END,
    CASE WHEN event_time BETWEEN 0 AND 253402300000000 THEN NULL ELSE 'event_time' END,
    CASE WHEN linear IS NULL THEN 'linear' END,
    CASE WHEN strikes IS NULL THEN 'strikes' END,
    CASE WHEN options IS NULL THEN 'options' END,
    CASE WHEN years IS NULL THEN 'years' END,
    CASE WHEN call_open_interest IS NULL THEN 'call_open_interest' END,
    CASE WHEN put_open_interest IS NULL THEN 'put_open_interest' END,
    CASE WHEN call_volume IS NULL THEN 'call_volume' END,
    CASE WHEN put_volume IS NULL THEN 'put_volume' END,
    CASE WHEN call_premium IS NULL THEN 'call_premium' END,
    CASE WHEN put_premium IS NULL THEN 'put_premium' END,
    CASE WHEN gamma_gross IS NULL THEN 'gamma_gross' END,
    CASE WHEN gamma_naive IS NULL THEN 'gamma_naive' END,
    CASE WHEN svi_points IS NULL THEN 'svi_points' END
  ) AS refused_fields
FROM option_chains

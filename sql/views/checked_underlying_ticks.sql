-- The rows of underlying_ticks, each with the names of its fields that the database cannot store; none for a valid row.
-- Key (venue, underlying, event_time). Time: event_ts, watermark 1 s behind.
CREATE TEMPORARY VIEW checked_underlying_ticks AS
SELECT
  *,
  CONCAT_WS(
    ', ',
    CASE WHEN REGEXP(venue, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'venue' END,
    CASE WHEN REGEXP(underlying, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'underlying' END,
    CASE WHEN event_time BETWEEN 0 AND 253402300000000 THEN NULL ELSE 'event_time' END,
    CASE WHEN options IS NULL THEN 'options' END,
    CASE WHEN expiries IS NULL THEN 'expiries' END,
    CASE WHEN call_open_interest IS NULL THEN 'call_open_interest' END,
    CASE WHEN put_open_interest IS NULL THEN 'put_open_interest' END,
    CASE WHEN gamma_gross IS NULL THEN 'gamma_gross' END,
    CASE WHEN gamma_naive IS NULL THEN 'gamma_naive' END
  ) AS refused_fields
FROM underlying_ticks

-- The rows of option_surfaces, each with the names of its fields that the database cannot store; none for a valid row.
-- Key (venue, instrument, event_time). Time: event_ts, watermark 1 s behind.
CREATE TEMPORARY VIEW checked_option_surfaces AS
SELECT
  *,
  CONCAT_WS(
    ', ',
    CASE WHEN REGEXP(venue, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'venue' END,
    CASE WHEN REGEXP(underlying, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'underlying' END,
    CASE WHEN REGEXP(instrument, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'instrument' END,
    CASE WHEN expiry BETWEEN 0 AND 253402300000000 THEN NULL ELSE 'expiry' END,
    CASE WHEN strike IS NULL THEN 'strike' END,
    CASE WHEN kind IS NULL THEN 'kind' END,
    CASE WHEN event_time BETWEEN 0 AND 253402300000000 THEN NULL ELSE 'event_time' END,
    CASE WHEN quote_time IS NULL THEN 'quote_time' END,
    CASE WHEN gamma_usd IS NULL THEN 'gamma_usd' END
  ) AS refused_fields
FROM option_surfaces

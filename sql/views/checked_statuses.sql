-- The rows of statuses, each with the names of its fields that the database cannot store; none for a valid row.
-- Key (venue, symbol, event_time). Time: event_ts, watermark 1 s behind.
CREATE TEMPORARY VIEW checked_statuses AS
SELECT
  *,
  CONCAT_WS(
    ', ',
    CASE WHEN REGEXP(venue, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'venue' END,
    CASE WHEN REGEXP(symbol, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'symbol' END,
    CASE WHEN event_time BETWEEN 0 AND 253402300000000 THEN NULL ELSE 'event_time' END,
    CASE WHEN state IN ('synced', 'gap', 'stale', 'untrusted') THEN NULL ELSE 'state' END
  ) AS refused_fields
FROM statuses

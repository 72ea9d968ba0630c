-- The rows of alert_records, each with the names of its fields that the database cannot store; none for a valid row.
-- Key (id). Time: event_ts, watermark 1 s behind.
CREATE TEMPORARY VIEW checked_alerts AS
SELECT
  *,
  CONCAT_WS(
    ', ',
    CASE WHEN REGEXP(id, '\A[^\x00]{1,512}\z') THEN NULL ELSE 'id' END,
    CASE WHEN REGEXP(venue, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'venue' END,
    CASE WHEN REGEXP(symbol, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'symbol' END,
    CASE WHEN REGEXP(rule, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'rule' END,
    CASE WHEN REGEXP(severity, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'severity' END,
    CASE WHEN REGEXP(phase, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'phase' END,
    CASE WHEN episode BETWEEN 0 AND 253402300000000 THEN NULL ELSE 'episode' END,
    CASE WHEN event_time BETWEEN 0 AND 253402300000000 THEN NULL ELSE 'event_time' END,
    CASE WHEN message NOT LIKE U&'%\0000%' THEN NULL ELSE 'message' END
  ) AS refused_fields
FROM alert_records

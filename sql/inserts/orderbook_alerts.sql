-- Every alert to the database.
INSERT INTO orderbook_alerts_sink
SELECT
  id,
  CAST(TO_TIMESTAMP_LTZ(episode, 3) AS TIMESTAMP(3)),
  CAST(TO_TIMESTAMP_LTZ(event_time, 3) AS TIMESTAMP(3)),
  venue,
  symbol,
  rule,
  severity,
  phase,
  `value`,
  threshold,
  message
FROM alert_records
WHERE REGEXP(id, '\A[^\x00]{1,512}\z')
  AND REGEXP(venue, '\A[^\x00]{1,64}\z')
  AND REGEXP(symbol, '\A[^\x00]{1,64}\z')
  AND REGEXP(rule, '\A[^\x00]{1,64}\z')
  AND REGEXP(severity, '\A[^\x00]{1,64}\z')
  AND REGEXP(phase, '\A[^\x00]{1,64}\z')
  AND message NOT LIKE U&'%\0000%'
  AND episode BETWEEN 0 AND 253402300000000
  AND event_time BETWEEN 0 AND 253402300000000

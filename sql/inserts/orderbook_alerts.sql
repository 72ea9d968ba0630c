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
FROM checked_alerts
WHERE refused_fields = ''

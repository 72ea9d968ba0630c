-- Every alert into the database.
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
FROM alerts

-- One row per alert, as the analytics job said it: what began (enter), became high (escalate) or ended (exit).
-- Key id. Time: event_ts, watermark 1 s behind; episode is the event time of the beginning, epoch ms.
CREATE TEMPORARY TABLE alert_records (
  id STRING,
  venue STRING,
  symbol STRING,
  rule STRING,
  severity STRING,
  phase STRING,
  episode BIGINT,
  event_time BIGINT,
  `value` DOUBLE,
  threshold DOUBLE,
  message STRING,
  event_ts AS TO_TIMESTAMP_LTZ(COALESCE(event_time, 0), 3),
  WATERMARK FOR event_ts AS event_ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}orderbook.alerts',
  ${start},
  'properties.isolation.level' = '${alerts_isolation}',
  'scan.watermark.idle-timeout' = '${idle_timeout}',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

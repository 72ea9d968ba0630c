-- One row per alert: a condition began (enter), became high (escalate), ended (exit).
-- Key id. Time: event_ts, watermark 1 s behind; episode: event time of the enter, epoch ms.
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
  record_topic STRING NOT NULL METADATA FROM 'topic' VIRTUAL,
  record_partition INT NOT NULL METADATA FROM 'partition' VIRTUAL,
  record_offset BIGINT NOT NULL METADATA FROM 'offset' VIRTUAL,
  event_ts AS TO_TIMESTAMP_LTZ(CASE WHEN event_time BETWEEN 0 AND 253402300000000 THEN event_time ELSE 0 END, 3),
  WATERMARK FOR event_ts AS event_ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}orderbook.alerts',
  ${start},
  'properties.isolation.level' = 'read_committed',
  'scan.watermark.idle-timeout' = '5 s',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

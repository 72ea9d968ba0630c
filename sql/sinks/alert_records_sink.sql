-- One record per alert on the topic orderbook.alerts; episode and event_time in epoch ms.
-- Key record_key (venue:symbol).
CREATE TEMPORARY TABLE alert_records_sink (
  record_key STRING,
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
  message STRING
) WITH (
  'connector' = 'kafka',
  ${kafka},
  'topic' = '${prefix}orderbook.alerts',
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'json',
  'value.fields-include' = 'EXCEPT_KEY',
  'sink.delivery-guarantee' = '${delivery_guarantee}',
  'sink.transactional-id-prefix' = '${prefix}depthflow-alerts',
  ${producer}
)

-- One row per record that a job says, on the topic it belongs to.
-- Key record_key (venue:symbol, or venue:underlying). Exactly once: one transaction per checkpoint over all topics.
CREATE TEMPORARY TABLE lines_sink (
  topic_name STRING METADATA FROM 'topic',
  record_key STRING,
  line STRING,
  headers MAP<STRING, BYTES> METADATA
) WITH (
  'connector' = 'kafka',
  ${kafka},
  'topic' = '${writes}',
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY',
  'sink.delivery-guarantee' = '${delivery_guarantee}',
  'sink.transactional-id-prefix' = '${prefix}depthflow-${job}',
  ${producer}
)

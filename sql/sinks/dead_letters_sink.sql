-- One record per dead letter on the topic deadletter.
-- Key record_key (that of the record which could not be used).
CREATE TEMPORARY TABLE dead_letters_sink (
  record_key STRING,
  line STRING
) WITH (
  'connector' = 'kafka',
  ${kafka},
  'topic' = '${prefix}deadletter',
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY',
  'sink.delivery-guarantee' = '${delivery_guarantee}',
  'sink.transactional-id-prefix' = '${prefix}depthflow-dead-letters',
  ${producer}
)

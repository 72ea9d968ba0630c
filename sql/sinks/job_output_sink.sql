-- One record per output line of a job, on the topic that the line names.
-- Key record_key (venue:symbol, or venue:underlying). Exactly once: one transaction per checkpoint over all topics.
CREATE TEMPORARY TABLE job_output_sink (
  topic_name STRING METADATA FROM 'topic',
  record_key STRING,
  line BYTES
) WITH (
  'connector' = 'kafka',
  ${kafka},
  'topic' = '${output_topics}',
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY',
  'sink.delivery-guarantee' = '${delivery_guarantee}',
  'sink.transactional-id-prefix' = '${prefix}depthflow-${job}${run}',
  ${producer}
)

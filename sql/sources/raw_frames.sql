-- One row per raw record: the envelope's bytes as stored by the broker, and the record's position.
-- Key record_key (venue:symbol, for options venue:underlying; empty for a record without key). Time: arrived,
-- processing time.
CREATE TEMPORARY TABLE raw_frames (
  record_key STRING,
  envelope BYTES,
  topic_name STRING NOT NULL METADATA FROM 'topic' VIRTUAL,
  partition_id INT NOT NULL METADATA FROM 'partition' VIRTUAL,
  offset_id BIGINT NOT NULL METADATA FROM 'offset' VIRTUAL,
  arrived AS PROCTIME()
) WITH (
  'connector' = 'kafka',
  ${kafka_frames},
  'topic' = '${input_topics}',
  ${start},
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
)

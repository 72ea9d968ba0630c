-- One row per raw record: the envelope's bytes as the broker holds them, and where they lie.
-- Key record_key (venue:symbol, of options venue:underlying; empty where the record had none). Time: arrived, processing time.
CREATE TEMPORARY TABLE raw_frames (
  record_key STRING,
  envelope BYTES,
  topic_name STRING NOT NULL METADATA FROM 'topic' VIRTUAL,
  partition_id INT NOT NULL METADATA FROM 'partition' VIRTUAL,
  offset_id BIGINT NOT NULL METADATA FROM 'offset' VIRTUAL,
  arrived AS PROCTIME()
) WITH (
  'connector' = 'kafka',
  ${kafka},
  'topic' = '${reads}',
  ${start},
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
)

-- One record per value that could not be used, with the reason and its position. Fields: DeadLetter in core/records.py.
-- Key record_key (venue:symbol, or venue:underlying). Time: none. A restart may write a record again.
CREATE TEMPORARY TABLE dead_letters_sink (
  record_key STRING,
  reason STRING,
  `where` STRING,
  topic STRING,
  `partition` INT,
  `offset` BIGINT,
  `length` BIGINT,
  sha256 STRING,
  value_b64 STRING
) WITH (
  'connector' = 'kafka',
  ${kafka},
  'topic' = '${prefix}deadletter',
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'json',
  'value.fields-include' = 'EXCEPT_KEY',
  'sink.delivery-guarantee' = 'at-least-once',
  ${producer}
)

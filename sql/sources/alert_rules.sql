-- One row per rule and book (venue:symbol, or * for all): the thresholds that an operator set; null is the default.
-- Key rule_key ('rule|book'), compacted: a record without a value takes the row away. Time: constant, so that the newest row holds for
-- all event times, replayed ones too. A row holds all alerts back for a second, after which the topic counts as idle.
CREATE TEMPORARY TABLE alert_rules (
  rule_key STRING,
  medium DOUBLE,
  high DOUBLE,
  valid_from AS TO_TIMESTAMP_LTZ(0, 3),
  WATERMARK FOR valid_from AS valid_from,
  PRIMARY KEY (rule_key) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  ${kafka_evenly},
  'topic' = '${prefix}alert.rules',
  'properties.group.id' = '${prefix}depthflow-${job}',
  'scan.watermark.idle-timeout' = '1 s',
  'key.format' = 'raw',
  'value.format' = 'json',
  'value.json.ignore-parse-errors' = 'true',
  'value.fields-include' = 'EXCEPT_KEY'
)

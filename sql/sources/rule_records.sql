-- One row per record of alert.rules, with its position: thresholds that an operator set (JSON), null for a deletion.
-- Key rule_key ('rule|book'). Time: none.
CREATE TEMPORARY TABLE rule_records (
  rule_key STRING,
  thresholds BYTES,
  partition_id INT NOT NULL METADATA FROM 'partition' VIRTUAL,
  offset_id BIGINT NOT NULL METADATA FROM 'offset' VIRTUAL
) WITH (
  'connector' = 'kafka',
  ${kafka},
  'topic' = '${prefix}alert.rules',
  'properties.group.id' = '${prefix}depthflow-${job}',
  'scan.startup.mode' = 'earliest-offset',
  ${rules_end},
  'key.format' = 'raw',
  'key.fields' = 'rule_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
)

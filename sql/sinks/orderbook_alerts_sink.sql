-- One row per alert in the database.
-- Key (id, episode): upserts, so that rows written again after a restart change nothing.
CREATE TEMPORARY TABLE orderbook_alerts_sink (
  id STRING,
  episode TIMESTAMP(3),
  ts TIMESTAMP(3),
  venue STRING,
  symbol STRING,
  rule STRING,
  severity STRING,
  phase STRING,
  `value` DOUBLE,
  threshold DOUBLE,
  message STRING,
  PRIMARY KEY (id, episode) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  ${database},
  'table-name' = 'orderbook_alerts',
  ${batches}
)

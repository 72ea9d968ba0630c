-- One row per symbol and second in the database: the last metrics record of that second.
-- Key (venue, symbol, ts): upserts, so that rows written again after a restart change nothing.
CREATE TEMPORARY TABLE orderbook_metrics_sink (
  ts TIMESTAMP(3),
  venue STRING,
  symbol STRING,
  event_time BIGINT,
  update_id BIGINT,
  best_bid DOUBLE,
  best_bid_size DOUBLE,
  best_ask DOUBLE,
  best_ask_size DOUBLE,
  mid DOUBLE,
  microprice DOUBLE,
  spread DOUBLE,
  spread_bps DOUBLE,
  bid_depth DOUBLE,
  ask_depth DOUBLE,
  imbalance DOUBLE,
  weighted_imbalance DOUBLE,
  vtob DOUBLE,
  ofi DOUBLE,
  levels_bid INT,
  levels_ask INT,
  depth INT,
  flags STRING,
  latency_ms DOUBLE,
  PRIMARY KEY (venue, symbol, ts) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  ${database},
  'table-name' = 'orderbook_metrics',
  ${batches}
)

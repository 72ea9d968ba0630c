-- The last metrics of every symbol and second, into the database. JDBC takes no arrays.
INSERT INTO orderbook_metrics_sink
SELECT
  `second`,
  venue,
  symbol,
  event_time,
  update_id,
  best_bid,
  best_bid_size,
  best_ask,
  best_ask_size,
  mid,
  microprice,
  spread,
  spread_bps,
  bid_depth,
  ask_depth,
  imbalance,
  weighted_imbalance,
  vtob,
  ofi,
  levels_bid,
  levels_ask,
  depth,
  COALESCE(ARRAY_JOIN(flags, ','), '')
FROM metrics_1s

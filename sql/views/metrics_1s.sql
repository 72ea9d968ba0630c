-- One row per symbol and second of event time: the last metrics record of that second; of one millisecond, the last in the topic.
-- Key (venue, symbol, second). Time: none (second as TIMESTAMP, UTC); a row comes when its second has closed and never changes.
CREATE TEMPORARY VIEW metrics_1s AS
SELECT
  window_start AS `second`,
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
  flags
FROM (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY venue, symbol, window_start, window_end ORDER BY event_ts DESC) AS place
  FROM TABLE(TUMBLE(TABLE last_records, DESCRIPTOR(event_ts), INTERVAL '1' SECOND))
)
WHERE place = 1

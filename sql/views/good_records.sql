-- One row per record of processed that has key and time; the topic deadletter has the others. until_ms: event time of the last record that
-- the books job said of the book together with this one (header until); null where the record has no such header.
-- Key (venue, symbol, update_id). Time: event_ts.
CREATE TEMPORARY VIEW good_records AS
SELECT
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
  flags,
  TRY_CAST(CAST(headers['until'] AS STRING) AS BIGINT) AS until_ms,
  event_ts
FROM processed
WHERE venue IS NOT NULL AND symbol IS NOT NULL AND event_time IS NOT NULL

-- The last metrics of every symbol and second to the database: the last record of each window of one second. JDBC
-- supports no arrays, and PostgreSQL no text with NUL. latency_ms: from the receipt of the record to the publication of
-- the window, null in a second without updates and beyond ten minutes (a replay).
INSERT INTO orderbook_metrics_sink
SELECT
  CAST(TO_TIMESTAMP_LTZ(window_start, 3) AS TIMESTAMP(3)),
  venue,
  symbol,
  w.`last`.event_time,
  w.`last`.update_id,
  w.`last`.best_bid,
  w.`last`.best_bid_size,
  w.`last`.best_ask,
  w.`last`.best_ask_size,
  w.`last`.mid,
  w.`last`.microprice,
  w.`last`.spread,
  w.`last`.spread_bps,
  w.`last`.bid_depth,
  w.`last`.ask_depth,
  w.`last`.imbalance,
  w.`last`.weighted_imbalance,
  w.`last`.vtob,
  w.`last`.ofi,
  w.`last`.levels_bid,
  w.`last`.levels_ask,
  w.`last`.depth,
  COALESCE(REPLACE(ARRAY_JOIN(w.`last`.flags, ','), U&'\0000', ''), ''),
  CASE WHEN latency_ms BETWEEN 0 AND 600000 THEN latency_ms END
FROM (
  SELECT
    *,
    CASE
      WHEN updates > 0 AND `last`.recv_us BETWEEN 0 AND 253402300000000000
      THEN 1000 * EXTRACT(EPOCH FROM published_ts) + EXTRACT(MILLISECOND FROM published_ts) - `last`.recv_us / 1000E0
    END AS latency_ms
  FROM checked_windows
) AS w
WHERE refused_fields = '' AND size = '1s' AND `last` IS NOT NULL

-- One row per symbol, window size (1s, 10s, 1m) and window start in which the book was updated or out of sync: that it was synced, and no
-- more, makes none, since states come by a topic of their own, and in a backlog may come when the window has closed.
-- Key (venue, symbol, size, window_start). Time: none; a row comes when its window has closed and never changes.
CREATE TEMPORARY VIEW windows AS
SELECT
  venue,
  symbol,
  size,
  window_start,
  window_end,
  updates,
  imbalance_open,
  imbalance_high,
  imbalance_low,
  imbalance_close,
  imbalance_sum / NULLIF(imbalance_count, 0) AS imbalance_mean,
  (imbalance_area + tail_ms * last_imbalance) / NULLIF(counted_ms + tail_ms * last_counted, 0) AS imbalance_twa,
  weighted_open AS weighted_imbalance_open,
  weighted_high AS weighted_imbalance_high,
  weighted_low AS weighted_imbalance_low,
  weighted_close AS weighted_imbalance_close,
  weighted_sum / NULLIF(weighted_count, 0) AS weighted_imbalance_mean,
  (spread_area + tail_ms * last_spread) / NULLIF(counted_ms + tail_ms * last_counted, 0) AS spread_twa,
  spread_bps_sum / NULLIF(spread_bps_count, 0) AS spread_bps_mean,
  bid_depth_sum / NULLIF(updates, 0) AS bid_depth_mean,
  ask_depth_sum / NULLIF(updates, 0) AS ask_depth_mean,
  ofi_sum,
  microprice_last,
  (out_ms + tail_ms * last_out) / length_ms AS out_of_sync
FROM (
  SELECT * FROM sums_1s
  UNION ALL
  SELECT * FROM sums_10s
  UNION ALL
  SELECT * FROM sums_1m
)
WHERE updates > 0 OR out_ms + tail_ms * last_out > 0

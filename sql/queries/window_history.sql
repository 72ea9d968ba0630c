-- The windows of one book: time-weighted imbalance, its extremes, mean spread, order flow, share of time out of sync.
-- set symbol = 'BTCUSDT': symbol as written by the venue
-- set venue = 'binance': venue
-- set size = '1m': 1s, 10s or 1m
-- set top = 60: number of rows, the newest
SELECT
  start_ts,
  updates,
  ROUND(imbalance_twa, 4) AS imbalance,
  ROUND(imbalance_low, 4) AS lowest,
  ROUND(imbalance_high, 4) AS highest,
  ROUND(spread_bps_mean, 3) AS spread_bps,
  ROUND(ofi_sum, 4) AS ofi,
  ROUND(out_of_sync, 4) AS out_of_sync
FROM window_records
WHERE symbol = ${symbol} AND venue = ${venue} AND size = ${size}
ORDER BY start_ts DESC
LIMIT ${top}

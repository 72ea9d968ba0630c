-- Every metrics record of one book in a short time range, in order, update by update.
-- set symbol = 'BTCUSDT': symbol as written by the venue
-- set venue = 'binance': venue
-- set until = newest: end of the range, such as 2026-01-01T12:00:00; newest: the book's newest record
-- set seconds = 10: length of the range
-- set top = 500: number of rows
WITH book AS (
  SELECT *, COALESCE(${until}, MAX(event_time) OVER (PARTITION BY venue, symbol)) AS until_ms
  FROM processed
  WHERE symbol = ${symbol} AND venue = ${venue}
)
SELECT
  event_ts,
  update_id,
  best_bid_size,
  best_bid,
  best_ask,
  best_ask_size,
  ROUND(microprice, 6) AS microprice,
  ROUND(spread_bps, 3) AS spread_bps,
  ROUND(imbalance, 4) AS imbalance,
  ROUND(ofi, 4) AS ofi
FROM book
WHERE event_time <= until_ms AND event_time > until_ms - 1000 * ${seconds}
ORDER BY event_ts, update_id
LIMIT ${top}

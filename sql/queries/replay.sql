-- Every metrics record of one book in a short time, in order: what it looked like from update to update.
-- set symbol = 'BTCUSDT': as the venue writes it
-- set venue = 'binance': its venue
-- set until = newest: the end, such as 2026-01-01T12:00:00; newest is the book's newest record
-- set seconds = 10: how long before it
-- set top = 500: rows
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
FROM (
  SELECT *, COALESCE(${until}, MAX(event_time) OVER (PARTITION BY venue, symbol)) AS until_ms
  FROM processed
  WHERE symbol = ${symbol} AND venue = ${venue}
)
WHERE event_time <= until_ms AND event_time > until_ms - 1000 * ${seconds}
ORDER BY event_ts, update_id
LIMIT ${top}

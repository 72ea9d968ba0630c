-- The last book of one symbol published up to a given time: a ladder, asks above bids, with the cumulative size at each
-- level. The topic is compacted, so old books may be missing; orderbook.processed (query replay) still has their best
-- prices.
-- set symbol = 'BTCUSDT': symbol as written by the venue
-- set venue = 'binance': venue
-- set at = newest: a time such as 2026-01-01T12:00:00; newest: the newest book
-- set levels = 10: levels of each side
WITH ranked AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY venue, symbol ORDER BY event_time DESC, update_id DESC) AS row_num
  FROM books
  WHERE symbol = ${symbol} AND venue = ${venue} AND event_time <= COALESCE(${at}, event_time)
),
book AS (
  SELECT *
  FROM ranked
  WHERE row_num = 1
),
ladder AS (
  SELECT event_ts, 'bid' AS side, `level`, entry[1] AS price, entry[2] AS size
  FROM book CROSS JOIN UNNEST(bids) WITH ORDINALITY AS sides (entry, `level`)
  UNION ALL
  SELECT event_ts, 'ask', `level`, entry[1], entry[2]
  FROM book CROSS JOIN UNNEST(asks) WITH ORDINALITY AS sides (entry, `level`)
)
SELECT
  event_ts,
  side,
  `level`,
  price,
  size,
  ROUND(
    SUM(size) OVER (PARTITION BY side ORDER BY `level` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
    8
  ) AS cumulative_size
FROM ladder
WHERE `level` <= ${levels}
ORDER BY price DESC, side

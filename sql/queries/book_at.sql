-- The book of one symbol as it was published last before a time: a ladder, asks above bids, with the size up to each level.
-- The topic is compacted: books of long ago may be gone, while orderbook.processed (replay) still has their best prices.
-- set symbol = 'BTCUSDT': as the venue writes it
-- set venue = 'binance': its venue
-- set at = newest: a time such as 2026-01-01T12:00:00; newest is the book's newest
-- set levels = 10: of each side
WITH book AS (
  SELECT *
  FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY venue, symbol ORDER BY event_time DESC, update_id DESC) AS place
    FROM books
    WHERE symbol = ${symbol} AND venue = ${venue} AND event_time <= COALESCE(${at}, event_time)
  )
  WHERE place = 1
)
SELECT
  event_ts,
  side,
  `level`,
  price,
  size,
  ROUND(SUM(size) OVER (PARTITION BY side ORDER BY `level` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), 8) AS up_to_here
FROM (
  SELECT event_ts, 'bid' AS side, `level`, entry[1] AS price, entry[2] AS size
  FROM book CROSS JOIN UNNEST(bids) WITH ORDINALITY AS sides (entry, `level`)
  UNION ALL
  SELECT event_ts, 'ask', `level`, entry[1], entry[2]
  FROM book CROSS JOIN UNNEST(asks) WITH ORDINALITY AS sides (entry, `level`)
)
WHERE `level` <= ${levels}
ORDER BY price DESC, side

-- Which of two books moves first: correlation of their mids' changes from second to second, one shifted against the other. At a lag above 0
-- what the leader does comes back in the follower that many seconds later. A change counts where two seconds in a row had updates.
-- set leader = 'binance:BTCUSDT': venue:symbol
-- set follower = 'binance:ETHUSDT': venue:symbol
-- set lags = 5: seconds to either side, 10 at most
WITH seconds AS (
  SELECT book, second_ms, mid
  FROM (
    SELECT
      *,
      ROW_NUMBER() OVER (PARTITION BY book, second_ms ORDER BY event_time DESC, update_id DESC) AS place
    FROM (
      SELECT
        CONCAT(venue, ':', symbol) AS book,
        event_time - MOD(event_time, 1000) AS second_ms,
        event_time,
        update_id,
        mid
      FROM processed
      WHERE mid IS NOT NULL
    )
    WHERE book IN (${leader}, ${follower})
  )
  WHERE place = 1
),
changes AS (
  SELECT book, second_ms, LN(mid / mid_before) AS change
  FROM (
    SELECT *, LAG(mid) OVER one_before AS mid_before, LAG(second_ms) OVER one_before AS ms_before
    FROM seconds
    WINDOW one_before AS (PARTITION BY book ORDER BY second_ms)
  )
  WHERE second_ms - ms_before = 1000
),
pairs AS (
  SELECT lag_s, ahead.change AS x, behind.change AS y
  FROM (
    SELECT change, lag_s, second_ms + 1000 * lag_s AS lagged_ms
    FROM changes CROSS JOIN (
      VALUES (-10), (-9), (-8), (-7), (-6), (-5), (-4), (-3), (-2), (-1), (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)
    ) AS lags (lag_s)
    WHERE book = ${leader} AND ABS(lag_s) <= ${lags}
  ) AS ahead
  JOIN (SELECT change, second_ms FROM changes WHERE book = ${follower}) AS behind ON behind.second_ms = ahead.lagged_ms
)
SELECT
  lag_s,
  COUNT(*) AS pairs,
  ROUND(
    (AVG(x * y) - AVG(x) * AVG(y)) / NULLIF(STDDEV_POP(x) * STDDEV_POP(y), 0),
    4
  ) AS correlation
FROM pairs
GROUP BY lag_s
ORDER BY lag_s

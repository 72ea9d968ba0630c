-- Lead and lag of two books: correlation of the changes of their mids from second to second, one shifted against the
-- other. At a lag above 0, the follower repeats the leader's moves that many seconds later. A change counts if both of
-- its seconds had updates.
-- set leader = 'binance:BTCUSDT': venue:symbol
-- set follower = 'binance:ETHUSDT': venue:symbol
-- set lags = 5: seconds to either side, 10 at most
WITH mids AS (
  SELECT
    CONCAT(venue, ':', symbol) AS book,
    event_time - MOD(event_time, 1000) AS second_ms,
    event_time,
    update_id,
    mid
  FROM processed
  WHERE mid IS NOT NULL
),
ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY book, second_ms ORDER BY event_time DESC, update_id DESC) AS row_num
  FROM mids
  WHERE book IN (${leader}, ${follower})
),
with_previous AS (
  SELECT book, second_ms, mid, LAG(mid) OVER one_before AS mid_before, LAG(second_ms) OVER one_before AS ms_before
  FROM ranked
  WHERE row_num = 1
  WINDOW one_before AS (PARTITION BY book ORDER BY second_ms)
),
changes AS (
  SELECT book, second_ms, LN(mid / mid_before) AS change
  FROM with_previous
  WHERE second_ms - ms_before = 1000
),
lags AS (
  SELECT lag_s
  FROM (
    VALUES (-10), (-9), (-8), (-7), (-6), (-5), (-4), (-3), (-2), (-1), (0),
      (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)
  ) AS all_lags (lag_s)
  WHERE ABS(lag_s) <= ${lags}
),
leader AS (
  SELECT change, lag_s, second_ms + 1000 * lag_s AS lagged_ms
  FROM changes CROSS JOIN lags
  WHERE book = ${leader}
),
pairs AS (
  SELECT lag_s, leader.change AS x, follower.change AS y
  FROM leader
  JOIN changes AS follower ON follower.second_ms = leader.lagged_ms
  WHERE follower.book = ${follower}
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

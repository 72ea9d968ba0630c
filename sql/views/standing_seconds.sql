-- One row per row of book_seconds, beside what stood when it began: the row before it (`before_`; for a symbol's first row, itself).
-- Key (venue, symbol, second_start). Time: closed_ts. before_end may be seconds ago: what stood then stood through them all.
CREATE TEMPORARY VIEW standing_seconds AS
SELECT
  *,
  MOD(first_ms, 1000) AS lead_ms,
  COALESCE(LAG(second_end) OVER by_time, second_end) AS before_end,
  COALESCE(LAG(last_counted) OVER by_time, last_counted) AS before_counted,
  COALESCE(LAG(last_imbalance) OVER by_time, last_imbalance) AS before_imbalance,
  COALESCE(LAG(last_spread) OVER by_time, last_spread) AS before_spread,
  COALESCE(LAG(last_out) OVER by_time, last_out) AS before_out
FROM (
  SELECT
    *,
    s.stood.first_ms AS first_ms,
    s.stood.counted_ms AS counted_ms,
    s.stood.imbalance_area AS imbalance_area,
    s.stood.spread_area AS spread_area,
    s.stood.out_ms AS out_ms,
    s.stood.last_counted AS last_counted,
    s.stood.last_imbalance AS last_imbalance,
    s.stood.last_spread AS last_spread,
    s.stood.last_out AS last_out,
    s.stood.imbalance_open AS imbalance_open,
    s.stood.imbalance_close AS imbalance_close,
    s.stood.weighted_open AS weighted_open,
    s.stood.weighted_close AS weighted_close,
    s.stood.microprice_close AS microprice_close
  FROM book_seconds AS s
)
WINDOW by_time AS (PARTITION BY venue, symbol ORDER BY closed_ts)

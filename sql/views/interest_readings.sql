-- One row per option and minute: how its open interest changed since the hour of its event time began, as a share of what its expiry holds.
-- Key (venue, symbol, read_ts); symbol: the option. Time: read_ts. State: a minute of each option, and the sum of a minute per expiry.
CREATE TEMPORARY VIEW interest_readings AS
SELECT venue, symbol, read_ts, event_time, COALESCE((held - held_first) / NULLIF(expiry_held, 0), 0.0E0) AS `value`
FROM (
  SELECT
    *,
    SUM(held) OVER (
      PARTITION BY venue, underlying, expiry ORDER BY read_ts RANGE BETWEEN INTERVAL '1' SECOND PRECEDING AND CURRENT ROW
    ) AS expiry_held
  FROM (
    SELECT
      *,
      LAST_VALUE(CASE WHEN minutes = 1 OR hour_of <> hour_before THEN held END) OVER (
        PARTITION BY venue, symbol ORDER BY read_ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS held_first
    FROM (
      SELECT *, COUNT(*) OVER one_before AS minutes, FIRST_VALUE(hour_of) OVER one_before AS hour_before
      FROM option_minutes
      WINDOW one_before AS (PARTITION BY venue, symbol ORDER BY read_ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
    )
  )
)

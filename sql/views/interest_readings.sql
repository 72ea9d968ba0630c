-- One row per option and minute: how its open interest changed since the hour of its event time began, as a share of what its expiry holds;
-- 0 unless the change stands out among those of its expiry's options that changed: 3.5 robust deviations (1.4826 times the median
-- absolute one) or more from their median.
-- Key (venue, symbol, read_ts); symbol: the option. Time: read_ts. State: a minute of each option, and of all options per expiry.
CREATE TEMPORARY VIEW interest_readings AS
SELECT
  venue,
  symbol,
  read_ts,
  event_time,
  CASE
    WHEN deviation > 0 AND ABS(change - usual) >= 3.5E0 * 1.4826E0 * deviation THEN COALESCE(change / NULLIF(expiry_held, 0), 0.0E0)
    ELSE 0.0E0
  END AS `value`
FROM (
  SELECT *, PERCENTILE(ABS(change - usual), 0.5) OVER this_minute AS deviation
  FROM (
    SELECT *, SUM(held) OVER this_minute AS expiry_held, PERCENTILE(change, 0.5) OVER this_minute AS usual
    FROM (
      SELECT
        *,
        NULLIF(
          held - LAST_VALUE(CASE WHEN minutes = 1 OR hour_of <> hour_before THEN held END) OVER (
            PARTITION BY venue, symbol ORDER BY read_ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
          ),
          0
        ) AS change
      FROM (
        SELECT *, COUNT(*) OVER one_before AS minutes, FIRST_VALUE(hour_of) OVER one_before AS hour_before
        FROM option_minutes
        WINDOW one_before AS (PARTITION BY venue, symbol ORDER BY read_ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
      )
    )
    WINDOW this_minute AS (
      PARTITION BY venue, underlying, expiry ORDER BY read_ts RANGE BETWEEN INTERVAL '1' SECOND PRECEDING AND CURRENT ROW
    )
  )
  WINDOW this_minute AS (
    PARTITION BY venue, underlying, expiry ORDER BY read_ts RANGE BETWEEN INTERVAL '1' SECOND PRECEDING AND CURRENT ROW
  )
)

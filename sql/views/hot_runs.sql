-- One row per judged reading that may change anything, beside the one before it: another level (none, nine tenths of medium, medium, high)
-- or side than that had, or one that must last. Of those that repeat what was, one in five seconds is left, for thresholds change, too.
-- Flips stand in for the imbalances they come from: of those only the weak ones are left, as 0, which end a flip. Where a chain gives none
-- any more, ended_readings does.
-- Key (rule, venue, symbol, read_ts). Time: read_ts.
CREATE TEMPORARY VIEW hot_runs AS
SELECT *
FROM (
  SELECT *, CASE WHEN COUNT(*) OVER one_before > 1 THEN FIRST_VALUE(`value`) OVER one_before END AS value_before
  FROM (
    SELECT
      rule,
      venue,
      symbol,
      read_ts,
      event_time,
      CASE rule WHEN 'imbalance_flip' THEN 0.0E0 ELSE `value` END AS `value`,
      medium,
      high,
      held_ms
    FROM judged_readings
    WHERE rule <> 'imbalance_flip' OR ABS(`value`) < 0.9 * medium
    UNION ALL
    SELECT * FROM imbalance_flips
    UNION ALL
    SELECT * FROM ended_readings
  )
  WINDOW one_before AS (PARTITION BY rule, venue, symbol ORDER BY read_ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WHERE
  held_ms > 0 AND ABS(`value`) >= medium
  OR MOD(event_time, 5000) < 100
  OR value_before IS NULL
  OR SIGN(`value`) <> SIGN(value_before) AND ABS(`value`) >= 0.9 * medium
  OR (ABS(`value`) >= 0.9 * medium) <> (ABS(value_before) >= 0.9 * medium)
  OR (ABS(`value`) >= medium) <> (ABS(value_before) >= medium)
  OR (ABS(`value`) >= high) <> (ABS(value_before) >= high)

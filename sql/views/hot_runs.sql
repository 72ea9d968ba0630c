-- One row per judged reading that may change anything, beside the one before it. Flips stand in for the imbalances they come from:
-- of those only the weak ones are left, as 0, which end a flip. Where a chain gives none any more, ended_readings does. Calm after calm is
-- left out but for a row each second.
-- Key (rule, venue, symbol, read_ts). Time: read_ts.
CREATE TEMPORARY VIEW hot_runs AS
SELECT *
FROM (
  SELECT
    *,
    FIRST_VALUE(`value`) OVER (
      PARTITION BY rule, venue, symbol ORDER BY read_ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
    ) AS value_before
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
)
WHERE ABS(`value`) >= 0.9 * medium OR ABS(value_before) >= 0.9 * medium OR MOD(event_time, 1000) < 100

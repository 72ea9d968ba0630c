-- One row per judged reading that may change anything, beside the level of the one before it: another level than that had, or one that must
-- last. level: 0 below nine tenths of medium, 1 to there, 2 to high, 3 from there on, negative where the value is; each by the thresholds
-- of its own time. Of those that repeat what was, one in five seconds is left: an episode that lasts is not forgotten.
-- Flips stand in for the imbalances they come from: of those only the weak ones are left, as 0, which end a flip. Where a chain gives none
-- any more, ended_readings does.
-- Key (rule, venue, symbol, read_ts). Time: read_ts. A book's first reading has a calm one (0) before it.
CREATE TEMPORARY VIEW hot_runs AS
SELECT *
FROM (
  SELECT
    *,
    SUM(level) OVER (PARTITION BY rule, venue, symbol ORDER BY read_ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) - level AS level_before
  FROM (
    SELECT
      *,
      CAST(SIGN(`value`) AS INT) * CASE
        WHEN ABS(`value`) < 0.9 * medium THEN 0
        WHEN ABS(`value`) < medium THEN 1
        WHEN ABS(`value`) < high THEN 2
        ELSE 3
      END AS level
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
)
WHERE level <> level_before OR held_ms > 0 AND ABS(level) >= 2 OR MOD(event_time, 5000) < 100

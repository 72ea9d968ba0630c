-- One row per reading that decides: hot = 1 (at least medium for held_ms, on one side) or 0 (below nine tenths of it, or on the other
-- side); readings in between decide nothing. very_hot = 1 if it was high as long.
-- Key (rule, venue, symbol, read_ts). Time: read_ts. State: two times per rule and symbol.
CREATE TEMPORARY VIEW held_readings AS
SELECT *
FROM (
  SELECT
    *,
    CASE
      WHEN ABS(level) >= 2 AND event_time - medium_since >= held_ms THEN 1
      WHEN level = 0 OR level * level_before < 0 THEN 0
    END AS hot,
    CASE WHEN ABS(level) >= 3 AND event_time - high_since >= held_ms THEN 1 ELSE 0 END AS very_hot
  FROM (
    SELECT
      *,
      LAST_VALUE(CASE WHEN ABS(level) >= 2 AND level_before * SIGN(level) < 2 THEN event_time END) OVER until_now AS medium_since,
      LAST_VALUE(CASE WHEN ABS(level) >= 3 AND level_before * SIGN(level) < 3 THEN event_time END) OVER until_now AS high_since
    FROM hot_runs
    WINDOW until_now AS (
      PARTITION BY rule, venue, symbol ORDER BY read_ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
  )
)
WHERE hot IS NOT NULL

-- One row per reading that decides: hot = 1 (at least medium for held_ms, on one side) or 0 (below nine tenths of it, or on the other
-- side); readings in between decide nothing. very_hot = 1 if it was high as long.
-- Key (rule, venue, symbol, read_ts). Time: read_ts. State: two times per rule and symbol.
CREATE TEMPORARY VIEW held_readings AS
SELECT *
FROM (
  SELECT
    *,
    CASE
      WHEN ABS(`value`) >= medium AND event_time - medium_since >= held_ms THEN 1
      WHEN ABS(`value`) < 0.9 * medium OR SIGN(`value`) <> SIGN(value_before) THEN 0
    END AS hot,
    CASE WHEN ABS(`value`) >= high AND event_time - high_since >= held_ms THEN 1 ELSE 0 END AS very_hot
  FROM (
    SELECT
      *,
      LAST_VALUE(CASE WHEN ABS(`value`) >= medium AND is_new_run_of_medium THEN event_time END) OVER until_now AS medium_since,
      LAST_VALUE(CASE WHEN ABS(`value`) >= high AND is_new_run_of_high THEN event_time END) OVER until_now AS high_since
    FROM (
      SELECT
        *,
        run_before IS NULL OR ABS(run_before) < medium OR SIGN(run_before) <> SIGN(`value`) AS is_new_run_of_medium,
        run_before IS NULL OR ABS(run_before) < high OR SIGN(run_before) <> SIGN(`value`) AS is_new_run_of_high
      FROM (
        SELECT
          *,
          CASE
            WHEN COUNT(*) OVER one_before > 1 THEN FIRST_VALUE(`value`) OVER one_before
          END AS run_before
        FROM hot_runs
        WINDOW one_before AS (
          PARTITION BY rule, venue, symbol ORDER BY read_ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
        )
      )
    )
    WINDOW until_now AS (
      PARTITION BY rule, venue, symbol ORDER BY read_ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
  )
)
WHERE hot IS NOT NULL

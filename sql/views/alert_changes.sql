-- One row per change of a rule's state on a book: hot or not, and whether it has been very hot since it became so.
-- Key (rule, venue, symbol, read_ts). Time: read_ts. State: one number per rule and symbol.
CREATE TEMPORARY VIEW alert_changes AS
SELECT *
FROM (
  SELECT
    *,
    COALESCE(LAG(hot) OVER by_time, 0) AS hot_before,
    COALESCE(LAG(risen) OVER by_time, 0) AS risen_before
  FROM (
    SELECT
      *,
      COALESCE(
        LAST_VALUE(CASE WHEN hot = 0 THEN 0 WHEN very_hot = 1 THEN 1 END) OVER (
          PARTITION BY rule, venue, symbol ORDER BY read_ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        0
      ) AS risen
    FROM held_readings
  )
  WINDOW by_time AS (PARTITION BY rule, venue, symbol ORDER BY read_ts)
)
WHERE hot <> hot_before OR risen > risen_before

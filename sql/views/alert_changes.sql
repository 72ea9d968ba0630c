-- One row per change of a rule's state on a book: hot or not, and whether it has been very hot since it became so.
-- Key (rule, venue, symbol, read_ts). Time: read_ts. State: one number per rule and symbol.
CREATE TEMPORARY VIEW alert_changes AS
SELECT *
FROM (
  SELECT
    *,
    SUM(hot) OVER one_before - hot AS hot_before,
    SUM(risen) OVER one_before - risen AS risen_before
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
  WINDOW one_before AS (PARTITION BY rule, venue, symbol ORDER BY read_ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WHERE hot <> hot_before OR risen > risen_before

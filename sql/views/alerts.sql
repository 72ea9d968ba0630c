-- One row per alert: a rule's condition begins on a book (enter), becomes high (escalate), or ends (exit).
-- Key id, made of rule, book, episode and phase: the same after any restart. episode: event time of the beginning, epoch ms.
-- Time: none. State: one time per rule and symbol.
CREATE TEMPORARY VIEW alerts AS
SELECT
  CONCAT_WS('|', rule, venue, symbol, CAST(episode AS STRING), phase) AS id,
  venue,
  symbol,
  rule,
  severity,
  phase,
  episode,
  event_time,
  `value`,
  threshold,
  CONCAT(
    rule, ' ', phase, ' (', severity, ') on ', venue, ':', symbol, ': ',
    CAST(CAST(`value` AS DECIMAL(20, 4)) AS STRING), ' against ', CAST(CAST(threshold AS DECIMAL(20, 4)) AS STRING)
  ) AS message
FROM (
  SELECT
    *,
    CASE WHEN hot = 0 THEN 'exit' WHEN hot_before = 0 THEN 'enter' ELSE 'escalate' END AS phase,
    CASE WHEN risen = 1 OR hot = 0 AND risen_before = 1 THEN 'high' ELSE 'medium' END AS severity,
    CASE WHEN risen = 1 THEN high ELSE medium END AS threshold,
    LAST_VALUE(CASE WHEN hot = 1 AND hot_before = 0 THEN event_time END) OVER (
      PARTITION BY rule, venue, symbol ORDER BY read_ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS episode
  FROM alert_changes
)

-- Alerts of each rule: number of episodes, number that were or became high, number of books, time of the newest.
-- set venue = '%': venue id, a LIKE pattern
SELECT
  rule,
  COUNT(DISTINCT CASE WHEN phase = 'enter' THEN id END) AS alerts,
  COUNT(
    DISTINCT CASE
      WHEN phase <> 'exit' AND severity = 'high' THEN CONCAT_WS('|', venue, symbol, CAST(episode AS STRING))
    END
  ) AS high,
  COUNT(DISTINCT CONCAT_WS(':', venue, symbol)) AS books,
  MAX(CASE WHEN phase = 'enter' THEN event_ts END) AS newest
FROM alert_records
WHERE venue LIKE ${venue}
GROUP BY rule
ORDER BY alerts DESC, rule

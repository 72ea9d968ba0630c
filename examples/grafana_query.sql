-- Grafana panel (time series): mean imbalance and spread of every symbol in steps of 10 seconds.
-- Data source: PostgreSQL with init-db.sql (POSTGRES_DSN). Paste it into the panel's code editor, format "Time series".
-- $__timeFilter is Grafana's macro for the panel's time range. The index on ts serves the filter. Undefined metrics are
-- NULL: Grafana draws them as gaps.
SELECT
  date_bin(INTERVAL '10 seconds', ts, 'epoch') AS "time",
  venue || ':' || symbol AS metric,
  avg(imbalance) AS imbalance,
  avg(spread_bps) AS spread_bps
FROM orderbook_metrics
WHERE $__timeFilter(ts)
GROUP BY 1, 2
ORDER BY 1, 2

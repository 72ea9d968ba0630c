-- One row per row of standing_seconds, against five minutes of its own: spread_ratio, mean spread in bps over its rolling median;
-- ofi_z, the second's order flow in standard deviations from the mean of the others. 0 before 60 seconds of history.
-- Key (venue, symbol, read_ts). Time: read_ts. The history begins anew when the book is lost.
CREATE TEMPORARY VIEW second_readings AS
SELECT *
FROM (
  SELECT
    venue,
    symbol,
    read_ts,
    event_time,
    CASE WHEN spreads < 60 THEN 0.0E0 ELSE COALESCE(spread_bps / NULLIF(spread_median, 0), 0.0E0) END AS spread_ratio,
    CASE
      WHEN flows <= 60 OR ofi IS NULL THEN 0.0E0
      WHEN others_square <= others_mean * others_mean THEN 0.0E0
      ELSE (ofi - others_mean) / SQRT(others_square - others_mean * others_mean)
    END AS ofi_z
  FROM (
    SELECT
      *,
      (flow_sum - ofi) / NULLIF(flows - 1, 0) AS others_mean,
      (flow_square - ofi * ofi) / NULLIF(flows - 1, 0) AS others_square
    FROM (
      SELECT
        *,
        COUNT(spread_bps) OVER five_minutes AS spreads,
        PERCENTILE(spread_bps, 0.5) OVER five_minutes AS spread_median,
        COUNT(ofi) OVER five_minutes AS flows,
        SUM(ofi) OVER five_minutes AS flow_sum,
        SUM(ofi * ofi) OVER five_minutes AS flow_square
      FROM (
        SELECT
          venue,
          symbol,
          closed_ts AS read_ts,
          first_ms AS event_time,
          spread_bps_sum / NULLIF(spread_bps_count, 0) AS spread_bps,
          ofi_sum AS ofi,
          SUM(CASE WHEN out_ms > 0 OR last_out = 1 THEN 1 ELSE 0 END) OVER (
            PARTITION BY venue, symbol ORDER BY closed_ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
          ) AS resets
        FROM standing_seconds
      )
      WINDOW five_minutes AS (
        PARTITION BY venue, symbol, resets ORDER BY read_ts RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW
      )
    )
  )
)
WHERE event_time IS NOT NULL

-- One row per row of chain_minutes, against an hour ago (or the first minute known): pcr_past_one, the put-call ratio less 1 if it was
-- on the other side of 1, else 0; pain_percent, how far max pain went, in percent of the forward; skew_points, the 25-delta risk
-- reversal in points of volatility if its sign was the other one, else 0; moves, how far the forward went, in moves that the straddle
-- expected for that time (mean absolute move, which grows with the root of time), after five minutes.
-- Key (venue, symbol, read_ts). Time: read_ts.
CREATE TEMPORARY VIEW chain_hour_readings AS
SELECT *
FROM (
  SELECT
    venue,
    symbol,
    read_ts,
    event_time,
    CASE WHEN (pcr - 1) * (pcr_before - 1) < 0 THEN pcr - 1 ELSE 0.0E0 END AS pcr_past_one,
    COALESCE(100 * (max_pain - pain_before) / forward, 0.0E0) AS pain_percent,
    CASE WHEN risk_reversal * reversal_before < 0 THEN 100 * risk_reversal ELSE 0.0E0 END AS skew_points,
    CASE
      WHEN event_time - time_before < 300000 THEN 0.0E0
      ELSE COALESCE((forward / forward_before - 1) / NULLIF(move_before * SQRT((event_time - time_before) / (years_before * 31536000000)), 0), 0.0E0)
    END AS moves
  FROM (
    SELECT
      *,
      minute_ts AS read_ts,
      FIRST_VALUE(pcr) OVER one_hour AS pcr_before,
      FIRST_VALUE(max_pain) OVER one_hour AS pain_before,
      FIRST_VALUE(risk_reversal) OVER one_hour AS reversal_before,
      FIRST_VALUE(forward) OVER one_hour AS forward_before,
      FIRST_VALUE(implied_move) OVER one_hour AS move_before,
      FIRST_VALUE(years) OVER one_hour AS years_before,
      FIRST_VALUE(event_time) OVER one_hour AS time_before
    FROM chain_minutes
    WINDOW one_hour AS (PARTITION BY venue, symbol ORDER BY minute_ts RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)
  )
)
WHERE event_time IS NOT NULL

-- One row per row of chain_moments: pcr_times, how many times puts outweigh calls (negative: calls puts); iv_z, the volatility at the
-- money in standard deviations (of a tenth of a point at least) from the mean of five minutes before it; straddle_share, the change
-- of the straddle, as a share of the forward, against that of a minute ago. 0 where something is missing, or before 60 seconds of history.
-- Key (venue, symbol, read_ts). Time: read_ts.
CREATE TEMPORARY VIEW chain_readings AS
SELECT *
FROM (
  SELECT
    venue,
    symbol,
    read_ts,
    event_time,
    CASE WHEN pcr >= 1 THEN pcr WHEN pcr < 1 THEN -1 / GREATEST(pcr, 0.001E0) ELSE 0.0E0 END AS pcr_times,
    CASE
      WHEN vols <= 60 OR atm_iv IS NULL THEN 0.0E0
      ELSE (atm_iv - others_mean) / GREATEST(SQRT(GREATEST(others_square - others_mean * others_mean, 0.0E0)), 0.001E0)
    END AS iv_z,
    CASE WHEN vols < 60 THEN 0.0E0 ELSE COALESCE(implied_move / NULLIF(move_before, 0) - 1, 0.0E0) END AS straddle_share
  FROM (
    SELECT
      *,
      (vol_sum - atm_iv) / NULLIF(vols - 1, 0) AS others_mean,
      (vol_square - atm_iv * atm_iv) / NULLIF(vols - 1, 0) AS others_square
    FROM (
      SELECT
        *,
        COUNT(atm_iv) OVER five_minutes AS vols,
        SUM(atm_iv) OVER five_minutes AS vol_sum,
        SUM(atm_iv * atm_iv) OVER five_minutes AS vol_square
      FROM (
        SELECT venue, symbol, event_ts AS read_ts, event_time, pcr, implied_move, atm_iv, FIRST_VALUE(implied_move) OVER one_minute AS move_before
        FROM chain_moments
        WINDOW one_minute AS (PARTITION BY venue, symbol ORDER BY event_ts RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW)
      )
      WINDOW five_minutes AS (PARTITION BY venue, symbol ORDER BY read_ts RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW)
    )
  )
)
WHERE event_time IS NOT NULL

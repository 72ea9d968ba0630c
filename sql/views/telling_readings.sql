-- One row per tick and rule whose reading may change anything: at least nine tenths of the least threshold that there can be
-- (LEAST_SHARE in market/settings.py: a quarter), or the first below it; calm (0: no side has lost half its depth at once) after what was not.
-- Of the others, which only repeat that all is calm, one in five seconds is left, for thresholds change, too.
-- Key (rule, venue, symbol, tick_ts). Time: tick_ts.
CREATE TEMPORARY VIEW telling_readings AS
SELECT 'extreme_imbalance' AS rule, venue, symbol, tick_ts, event_time, imbalance AS `value`
FROM tick_readings
WHERE ABS(imbalance) >= 0.225 OR ABS(imbalance_before) >= 0.225 OR MOD(event_time, 5000) < 100
UNION ALL
SELECT 'imbalance_flip', venue, symbol, tick_ts, event_time, imbalance
FROM tick_readings
WHERE ABS(imbalance) >= 0.225 OR ABS(imbalance_before) >= 0.225 OR MOD(event_time, 5000) < 100
UNION ALL
SELECT 'liquidity_withdrawal', venue, symbol, tick_ts, event_time, withdrawn
FROM tick_readings
WHERE withdrawn >= 0.225 OR withdrawn_before >= 0.225 OR MOD(event_time, 5000) < 100
UNION ALL
SELECT 'wall_vanished', venue, symbol, tick_ts, event_time, 0.0E0
FROM (
  SELECT
    *,
    in_sync = 1 AND one_sided = 0
      AND 2 * bid_depth_low > COALESCE(bid_low_before, 0) AND 2 * ask_depth_low > COALESCE(ask_low_before, 0) AS calm,
    2 * bid_low_before > COALESCE(bid_low_two_before, 0) AND 2 * ask_low_before > COALESCE(ask_low_two_before, 0) AS calm_before
  FROM tick_readings
)
WHERE calm AND (calm_before IS NOT TRUE OR MOD(event_time, 5000) < 100)

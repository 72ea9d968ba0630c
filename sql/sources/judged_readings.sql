-- One row per reading beside its thresholds: those set for its book, else for all books, else the settings'.
-- Key (rule, venue, symbol, read_ts). Time: read_ts. Defaults are settings, hence a source. held_ms: how long a value must last.
CREATE TEMPORARY VIEW judged_readings AS
SELECT
  r.rule,
  r.venue,
  r.symbol,
  r.read_ts,
  r.event_time,
  r.`value`,
  COALESCE(own.medium, overall.medium, CASE r.rule
    WHEN 'extreme_imbalance' THEN ${imbalance_medium}
    WHEN 'imbalance_flip' THEN ${imbalance_medium}
    WHEN 'spread_widening' THEN ${spread_multiple}
    WHEN 'liquidity_withdrawal' THEN ${liquidity_share}
    WHEN 'order_flow_burst' THEN ${ofi_z}
    WHEN 'trade_sweep' THEN ${sweep_levels}
    WHEN 'wall_vanished' THEN ${wall_multiple}
    WHEN 'pcr_extreme' THEN ${pcr_times}
    WHEN 'pcr_crossing' THEN ${pcr_crossing}
    WHEN 'max_pain_shift' THEN ${max_pain_percent}
    WHEN 'iv_spike' THEN ${iv_z}
    WHEN 'skew_inversion' THEN ${skew_points}
    WHEN 'open_interest_change' THEN ${interest_share}
    WHEN 'straddle_jump' THEN ${straddle_share}
    WHEN 'expected_move_exceeded' THEN ${expected_moves}
    WHEN 'book_stale' THEN 1.0E0
  END) AS medium,
  COALESCE(own.high, overall.high, CASE r.rule
    WHEN 'extreme_imbalance' THEN ${imbalance_high}
    WHEN 'imbalance_flip' THEN ${imbalance_high}
    WHEN 'spread_widening' THEN 2 * ${spread_multiple}
    WHEN 'liquidity_withdrawal' THEN (1 + ${liquidity_share}) / 2
    WHEN 'order_flow_burst' THEN 2 * ${ofi_z}
    WHEN 'trade_sweep' THEN 2 * ${sweep_levels}
    WHEN 'wall_vanished' THEN 2 * ${wall_multiple}
    WHEN 'pcr_extreme' THEN 2 * ${pcr_times}
    WHEN 'pcr_crossing' THEN 2 * ${pcr_crossing}
    WHEN 'max_pain_shift' THEN 2 * ${max_pain_percent}
    WHEN 'iv_spike' THEN 2 * ${iv_z}
    WHEN 'skew_inversion' THEN 2 * ${skew_points}
    WHEN 'open_interest_change' THEN 2 * ${interest_share}
    WHEN 'straddle_jump' THEN 2 * ${straddle_share}
    WHEN 'expected_move_exceeded' THEN 2 * ${expected_moves}
    WHEN 'book_stale' THEN 2.0E0
  END) AS high,
  CASE r.rule WHEN 'extreme_imbalance' THEN ${held_ms} ELSE 0 END AS held_ms
FROM (SELECT *, CONCAT(rule, '|', venue, ':', symbol) AS own_key, CONCAT(rule, '|*') AS overall_key FROM readings) AS r
LEFT JOIN alert_rules FOR SYSTEM_TIME AS OF r.read_ts AS own ON own.rule_key = r.own_key
LEFT JOIN alert_rules FOR SYSTEM_TIME AS OF r.read_ts AS overall ON overall.rule_key = r.overall_key

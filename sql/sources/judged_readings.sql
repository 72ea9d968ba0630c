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
    WHEN 'extreme_imbalance' THEN ${extreme_imbalance_medium}
    WHEN 'imbalance_flip' THEN ${imbalance_flip_medium}
    WHEN 'spread_widening' THEN ${spread_widening_medium}
    WHEN 'liquidity_withdrawal' THEN ${liquidity_withdrawal_medium}
    WHEN 'order_flow_burst' THEN ${order_flow_burst_medium}
    WHEN 'trade_sweep' THEN ${trade_sweep_medium}
    WHEN 'wall_vanished' THEN ${wall_vanished_medium}
    WHEN 'pcr_extreme' THEN ${pcr_extreme_medium}
    WHEN 'pcr_crossing' THEN ${pcr_crossing_medium}
    WHEN 'max_pain_shift' THEN ${max_pain_shift_medium}
    WHEN 'iv_spike' THEN ${iv_spike_medium}
    WHEN 'skew_inversion' THEN ${skew_inversion_medium}
    WHEN 'open_interest_change' THEN ${open_interest_change_medium}
    WHEN 'straddle_jump' THEN ${straddle_jump_medium}
    WHEN 'expected_move_exceeded' THEN ${expected_move_exceeded_medium}
    WHEN 'book_stale' THEN ${book_stale_medium}
  END) AS medium,
  COALESCE(own.high, overall.high, CASE r.rule
    WHEN 'extreme_imbalance' THEN ${extreme_imbalance_high}
    WHEN 'imbalance_flip' THEN ${imbalance_flip_high}
    WHEN 'spread_widening' THEN ${spread_widening_high}
    WHEN 'liquidity_withdrawal' THEN ${liquidity_withdrawal_high}
    WHEN 'order_flow_burst' THEN ${order_flow_burst_high}
    WHEN 'trade_sweep' THEN ${trade_sweep_high}
    WHEN 'wall_vanished' THEN ${wall_vanished_high}
    WHEN 'pcr_extreme' THEN ${pcr_extreme_high}
    WHEN 'pcr_crossing' THEN ${pcr_crossing_high}
    WHEN 'max_pain_shift' THEN ${max_pain_shift_high}
    WHEN 'iv_spike' THEN ${iv_spike_high}
    WHEN 'skew_inversion' THEN ${skew_inversion_high}
    WHEN 'open_interest_change' THEN ${open_interest_change_high}
    WHEN 'straddle_jump' THEN ${straddle_jump_high}
    WHEN 'expected_move_exceeded' THEN ${expected_move_exceeded_high}
    WHEN 'book_stale' THEN ${book_stale_high}
  END) AS high,
  CASE r.rule WHEN 'extreme_imbalance' THEN ${held_ms} ELSE 0 END AS held_ms
FROM (SELECT *, CONCAT(rule, '|', venue, ':', symbol) AS own_key, CONCAT(rule, '|*') AS overall_key FROM readings) AS r
LEFT JOIN alert_rules FOR SYSTEM_TIME AS OF r.read_ts AS own ON own.rule_key = r.own_key
LEFT JOIN alert_rules FOR SYSTEM_TIME AS OF r.read_ts AS overall ON overall.rule_key = r.overall_key

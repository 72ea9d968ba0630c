-- One row per thing that a rule looks at: its value there, in the rule's own unit (docs/alerts.md).
-- Key (rule, venue, symbol, read_ts). Time: read_ts; event_time is that of the record which the value comes from.
CREATE TEMPORARY VIEW readings AS
SELECT rule, venue, symbol, tick_ts AS read_ts, event_time, `value` FROM telling_readings
UNION ALL
SELECT 'wall_vanished', venue, symbol, read_ts, event_time, `value` FROM wall_readings
UNION ALL
SELECT 'spread_widening', venue, symbol, read_ts, event_time, spread_ratio FROM second_readings
UNION ALL
SELECT 'order_flow_burst', venue, symbol, read_ts, event_time, ofi_z FROM second_readings
UNION ALL
SELECT 'trade_sweep', venue, symbol, read_ts, event_time, `value` FROM sweep_readings
UNION ALL
SELECT 'pcr_extreme', venue, symbol, read_ts, event_time, pcr_times FROM chain_readings
UNION ALL
SELECT 'iv_spike', venue, symbol, read_ts, event_time, iv_z FROM chain_readings
UNION ALL
SELECT 'straddle_jump', venue, symbol, read_ts, event_time, straddle_share FROM chain_readings
UNION ALL
SELECT 'pcr_crossing', venue, symbol, read_ts, event_time, pcr_past_one FROM chain_hour_readings
UNION ALL
SELECT 'max_pain_shift', venue, symbol, read_ts, event_time, pain_percent FROM chain_hour_readings
UNION ALL
SELECT 'skew_inversion', venue, symbol, read_ts, event_time, skew_points FROM chain_hour_readings
UNION ALL
SELECT 'expected_move_exceeded', venue, symbol, read_ts, event_time, moves FROM chain_hour_readings
UNION ALL
SELECT 'open_interest_change', venue, symbol, read_ts, event_time, `value` FROM interest_readings
UNION ALL
SELECT
  'book_stale',
  venue,
  symbol,
  event_ts,
  event_time,
  CASE state WHEN 'synced' THEN 0.0E0 WHEN 'gap' THEN 1.0E0 ELSE 2.0E0 END
FROM statuses
WHERE venue IS NOT NULL AND symbol IS NOT NULL AND event_time IS NOT NULL

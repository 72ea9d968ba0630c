-- One row per judged reading of a rule on option chains that would keep an episode on: nine tenths of its threshold or more.
-- Key (rule, venue, symbol, read_ts); episode_key: the first three in one, since of several a session makes a row that Flink 2.2 cannot
-- read back in a view. Time: read_ts.
CREATE TEMPORARY VIEW hot_chain_readings AS
SELECT *, CONCAT_WS('|', rule, venue, symbol) AS episode_key
FROM judged_readings
WHERE
  rule IN (
    'pcr_extreme', 'pcr_crossing', 'max_pain_shift', 'iv_spike', 'skew_inversion', 'open_interest_change', 'straddle_jump',
    'expected_move_exceeded'
  )
  AND ABS(`value`) >= 0.9 * medium

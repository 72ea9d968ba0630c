-- One row per run of hot readings of a rule on option chains after which it gave none for a minute and what makes a chain stale: it reads
-- 0, which ends the episode of a chain that fell silent, of an expiry that is over, of an option that is not listed any more.
-- Key (rule, venue, symbol, read_ts). Time: read_ts. The silence is a setting, hence a source. State: one session per rule and symbol.
CREATE TEMPORARY VIEW ended_readings AS
SELECT
  MAX(rule) AS rule,
  MAX(venue) AS venue,
  MAX(symbol) AS symbol,
  window_time AS read_ts,
  MAX(event_time) + ${chain_silence_ms} AS event_time,
  0.0E0 AS `value`,
  MAX(medium) AS medium,
  MAX(high) AS high,
  MAX(held_ms) AS held_ms
FROM TABLE(
  SESSION(
    TABLE hot_chain_readings PARTITION BY episode_key,
    DESCRIPTOR(read_ts),
    INTERVAL '${chain_silence_s}' SECOND(6, 3)
  )
)
GROUP BY episode_key, window_start, window_end, window_time

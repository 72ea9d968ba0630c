-- One row per expiry of a chain and minute of event_ts: the last of each value that is known.
-- Key (venue, symbol, minute_ts). Time: minute_ts. Windows of whole minutes, three seconds before those of event_time: Flink 2.2 loses
-- rows of windows with an offset, because it looks for the next one to close as if there were none.
CREATE TEMPORARY VIEW chain_minutes AS
SELECT
  venue,
  symbol,
  window_time AS minute_ts,
  MAX(event_time) AS event_time,
  LAST_VALUE(years) AS years,
  LAST_VALUE(forward) AS forward,
  LAST_VALUE(pcr) AS pcr,
  LAST_VALUE(max_pain) AS max_pain,
  LAST_VALUE(implied_move) AS implied_move,
  LAST_VALUE(risk_reversal) AS risk_reversal
FROM TABLE(TUMBLE(TABLE chain_moments, DESCRIPTOR(event_ts), INTERVAL '1' MINUTE))
GROUP BY venue, symbol, window_start, window_end, window_time

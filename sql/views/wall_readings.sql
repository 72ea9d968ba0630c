-- One row per symbol and tick in which a wall went that had come less than two seconds before: how many times the depth without it the
-- larger one was, negative on the ask side.
-- Key (venue, symbol, read_ts). Time: read_ts. State: what a tick holds.
CREATE TEMPORARY VIEW wall_readings AS
SELECT
  venue,
  symbol,
  window_time AS read_ts,
  MAX(event_time) AS event_time,
  CASE WHEN MAX(`value`) >= -MIN(`value`) THEN MAX(`value`) ELSE MIN(`value`) END AS `value`
FROM TABLE(TUMBLE(TABLE vanished_walls, DESCRIPTOR(gone_ts), INTERVAL '0.1' SECOND))
GROUP BY venue, symbol, window_start, window_end, window_time

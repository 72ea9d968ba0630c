-- One row per wall that came and went within two seconds: how many times the depth without it, negative on the ask side; none below nine
-- tenths of the least threshold that there can be (2), so that what is no wall on one side does not end what is one on the other.
-- Key (venue, symbol, side, read_ts). Time: read_ts. State: what two seconds hold.
CREATE TEMPORARY VIEW wall_readings AS
SELECT venue, symbol, read_ts, event_time, CASE side WHEN 'bid' THEN times ELSE -times END AS `value`
FROM side_ticks
MATCH_RECOGNIZE (
  PARTITION BY venue, symbol, side
  ORDER BY tick_ts
  MEASURES
    MATCH_ROWTIME() AS read_ts,
    gone.event_time AS event_time,
    LEAST(wall.depth_low, gone.low_before) / GREATEST(wall.high_before, gone.depth_low) AS times
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST gone
  PATTERN (wall stands* gone) WITHIN INTERVAL '2' SECOND
  DEFINE
    wall AS wall.high_before > 0 AND wall.depth_low >= 2 * wall.high_before,
    stands AS stands.depth_low >= 2 * wall.high_before,
    gone AS
      2 * gone.depth_low <= gone.low_before
      AND gone.low_before >= 2 * wall.high_before
      AND gone.depth_low < 2 * wall.high_before
)
WHERE times >= 1.8

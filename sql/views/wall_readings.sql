-- One row per wall that came and went within two seconds: how many times the depth without it, negative on the ask side.
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
    MIN(wall.depth_low) / GREATEST(FIRST(wall.high_before), gone.depth_low) AS times
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST gone
  PATTERN (wall+ gone) WITHIN INTERVAL '2' SECOND
  DEFINE
    wall AS wall.depth_low >= 2 * FIRST(wall.high_before),
    gone AS gone.depth_low * 2 <= LAST(wall.depth_low, 1) AND gone.depth_low < 2 * FIRST(wall.high_before)
)

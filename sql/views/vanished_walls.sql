-- One row per side and wall that came and went within two seconds: how many times the depth without it, negative on the ask side.
-- Key (venue, symbol, side, gone_ts). Time: gone_ts. State: what two seconds hold.
CREATE TEMPORARY VIEW vanished_walls AS
SELECT venue, symbol, gone_ts, event_time, CASE side WHEN 'bid' THEN times ELSE -times END AS `value`
FROM side_ticks
MATCH_RECOGNIZE (
  PARTITION BY venue, symbol, side
  ORDER BY tick_ts
  MEASURES
    MATCH_ROWTIME() AS gone_ts,
    gone.event_time AS event_time,
    LEAST(wall.depth_low, gone.low_before) / GREATEST(wall.high_before, gone.depth_low) AS times
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST gone
  PATTERN (wall stands* gone) WITHIN INTERVAL '2' SECOND
  DEFINE
    wall AS wall.doubled,
    stands AS stands.depth_low >= 2 * wall.high_before,
    gone AS gone.halved AND gone.low_before >= 2 * wall.high_before AND gone.depth_low < 2 * wall.high_before
)

-- One row per flip: an imbalance at or over the threshold on one side, then on the other, within five seconds.
-- Key (venue, symbol, read_ts). Time: read_ts. value: the smaller of the two, signed as the new side. State: what five seconds hold.
CREATE TEMPORARY VIEW imbalance_flips AS
SELECT 'imbalance_flip' AS rule, venue, symbol, read_ts, event_time, `value`, medium, high, held_ms
FROM (SELECT * FROM judged_readings WHERE rule = 'imbalance_flip')
MATCH_RECOGNIZE (
  PARTITION BY venue, symbol
  ORDER BY read_ts
  MEASURES
    MATCH_ROWTIME() AS read_ts,
    flipped.event_time AS event_time,
    SIGN(flipped.`value`) * LEAST(ABS(strong.`value`), ABS(flipped.`value`)) AS `value`,
    flipped.medium AS medium,
    flipped.high AS high,
    flipped.held_ms AS held_ms
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST flipped
  PATTERN (strong weak* flipped) WITHIN INTERVAL '5' SECOND
  DEFINE
    strong AS ABS(strong.`value`) >= strong.medium,
    weak AS ABS(weak.`value`) < weak.medium,
    flipped AS ABS(flipped.`value`) >= flipped.medium AND SIGN(flipped.`value`) = -SIGN(strong.`value`)
)

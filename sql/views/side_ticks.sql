-- One row per row of tick_readings and side whose depth has at least doubled since the tick before (doubled), or at least halved (halved).
-- The least depth of that side, and the least and the most of the tick before.
-- Key (venue, symbol, side, tick_ts). Time: tick_ts. None where the book is of no use.
CREATE TEMPORARY VIEW side_ticks AS
SELECT venue, symbol, tick_ts, event_time, side, depth_low, low_before, high_before, doubled, halved
FROM (
  SELECT
    *,
    high_before > 0 AND depth_low >= 2 * high_before AS doubled,
    2 * depth_low <= low_before AS halved
  FROM (
    SELECT
      venue,
      symbol,
      tick_ts,
      event_time,
      in_sync,
      one_sided,
      'bid' AS side,
      bid_depth_low AS depth_low,
      bid_low_before AS low_before,
      bid_high_before AS high_before
    FROM tick_readings
    UNION ALL
    SELECT
      venue, symbol, tick_ts, event_time, in_sync, one_sided, 'ask', ask_depth_low, ask_low_before, ask_high_before
    FROM tick_readings
  )
)
WHERE in_sync = 1 AND one_sided = 0 AND depth_low > 0 AND (doubled OR halved)

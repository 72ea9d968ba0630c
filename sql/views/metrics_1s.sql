-- One row per symbol and second of event time: the last metrics record of that second, in the order of the topic.
-- Key (venue, symbol, second). Time: second, the start of the second. Updates as later records of the second arrive, and stays open for
-- ten minutes: what a second is of no use after. One value of all columns, since a null must not give way to an older number.
CREATE TEMPORARY VIEW metrics_1s AS
SELECT
  venue,
  symbol,
  `second`,
  r.newest.event_time AS event_time,
  r.newest.update_id AS update_id,
  r.newest.best_bid AS best_bid,
  r.newest.best_bid_size AS best_bid_size,
  r.newest.best_ask AS best_ask,
  r.newest.best_ask_size AS best_ask_size,
  r.newest.mid AS mid,
  r.newest.microprice AS microprice,
  r.newest.spread AS spread,
  r.newest.spread_bps AS spread_bps,
  r.newest.bid_depth AS bid_depth,
  r.newest.ask_depth AS ask_depth,
  r.newest.imbalance AS imbalance,
  r.newest.weighted_imbalance AS weighted_imbalance,
  r.newest.vtob AS vtob,
  r.newest.ofi AS ofi,
  r.newest.levels_bid AS levels_bid,
  r.newest.levels_ask AS levels_ask,
  r.newest.depth AS depth,
  r.newest.flags AS flags
FROM (
  SELECT /*+ STATE_TTL('records' = '10 min') */
    venue,
    symbol,
    `second`,
    LAST_VALUE(record) AS newest
  FROM (
    SELECT
      venue,
      symbol,
      FLOOR(event_ts TO SECOND) AS `second`,
      CAST(
        ROW(
          event_time,
          update_id,
          best_bid,
          best_bid_size,
          best_ask,
          best_ask_size,
          mid,
          microprice,
          spread,
          spread_bps,
          bid_depth,
          ask_depth,
          imbalance,
          weighted_imbalance,
          vtob,
          ofi,
          levels_bid,
          levels_ask,
          depth,
          flags
        ) AS ROW<
          event_time BIGINT,
          update_id BIGINT,
          best_bid DOUBLE,
          best_bid_size DOUBLE,
          best_ask DOUBLE,
          best_ask_size DOUBLE,
          mid DOUBLE,
          microprice DOUBLE,
          spread DOUBLE,
          spread_bps DOUBLE,
          bid_depth DOUBLE,
          ask_depth DOUBLE,
          imbalance DOUBLE,
          weighted_imbalance DOUBLE,
          vtob DOUBLE,
          ofi DOUBLE,
          levels_bid INT,
          levels_ask INT,
          depth INT,
          flags ARRAY<STRING>
        >
      ) AS record
    FROM processed
    WHERE venue IS NOT NULL AND symbol IS NOT NULL AND event_time IS NOT NULL
      AND update_id IS NOT NULL AND levels_bid IS NOT NULL AND levels_ask IS NOT NULL AND depth IS NOT NULL
  ) AS records
  GROUP BY venue, symbol, `second`
) AS r

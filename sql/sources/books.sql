-- One row per published book: its best levels, each [price, size], best first; at most one per symbol and batch.
-- Key (venue, symbol, update_id). Time: event_ts (the venue's), watermark 1 s behind. Compacted: of what is long past only the newest is
-- certain to be there.
CREATE TEMPORARY TABLE books (
  venue STRING,
  symbol STRING,
  event_time BIGINT,
  recv_us BIGINT,
  update_id BIGINT,
  bids ARRAY<ARRAY<DOUBLE>>,
  asks ARRAY<ARRAY<DOUBLE>>,
  event_ts AS TO_TIMESTAMP_LTZ(COALESCE(event_time, 0), 3),
  WATERMARK FOR event_ts AS event_ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}orderbook.books',
  ${start},
  'properties.isolation.level' = '${alerts_isolation}',
  'scan.watermark.idle-timeout' = '${idle_timeout}',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

-- One row per published book: its best levels, each [price, size], best first; at most one per symbol and batch.
-- Key (venue, symbol, update_id). Time: event_ts (the venue's), watermark 1 s behind. The topic is compacted: it keeps
-- the newest book of each symbol, older ones only until compaction.
CREATE TEMPORARY TABLE books (
  venue STRING,
  symbol STRING,
  event_time BIGINT,
  recv_us BIGINT,
  update_id BIGINT,
  bids ARRAY<ARRAY<DOUBLE>>,
  asks ARRAY<ARRAY<DOUBLE>>,
  event_ts AS TO_TIMESTAMP_LTZ(CASE WHEN event_time BETWEEN 0 AND 253402300000000 THEN event_time ELSE 0 END, 3),
  WATERMARK FOR event_ts AS event_ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}orderbook.books',
  ${start},
  'properties.isolation.level' = 'read_committed',
  'scan.watermark.idle-timeout' = '5 s',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

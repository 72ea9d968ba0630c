-- One row per symbol and second with trades; window_start and window_end in epoch ms.
-- Fields: TradeBar in market/orderbook/tick_records.py.
-- Key (venue, symbol, window_start). Time: start_ts, the second's start, watermark 1 s behind.
CREATE TEMPORARY TABLE trade_bars (
  venue STRING,
  symbol STRING,
  window_start BIGINT,
  window_end BIGINT,
  `open` DOUBLE,
  high DOUBLE,
  low DOUBLE,
  `close` DOUBLE,
  volume DOUBLE,
  notional DOUBLE,
  vwap DOUBLE,
  signed_volume DOUBLE,
  trades BIGINT,
  buys BIGINT,
  late BIGINT,
  record_topic STRING NOT NULL METADATA FROM 'topic' VIRTUAL,
  record_partition INT NOT NULL METADATA FROM 'partition' VIRTUAL,
  record_offset BIGINT NOT NULL METADATA FROM 'offset' VIRTUAL,
  start_ts AS TO_TIMESTAMP_LTZ(CASE WHEN window_start BETWEEN 0 AND 253402300000000 THEN window_start ELSE 0 END, 3),
  WATERMARK FOR start_ts AS start_ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}trades.bars',
  ${start},
  'properties.isolation.level' = 'read_committed',
  'scan.watermark.idle-timeout' = '5 s',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

-- One row per symbol and second with trades in the database.
-- Key (venue, symbol, ts): upserts, so that rows written again after a restart change nothing.
CREATE TEMPORARY TABLE trades_1s_sink (
  ts TIMESTAMP(3),
  venue STRING,
  symbol STRING,
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
  PRIMARY KEY (venue, symbol, ts) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  ${database},
  'table-name' = 'trades_1s',
  ${batches}
)

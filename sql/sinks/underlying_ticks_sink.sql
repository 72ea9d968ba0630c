-- One row per chain and second in the database. The columns are repeated here: LIKE would inherit nullable ones, which
-- Flink refuses in a primary key.
-- Key (venue, underlying, ts): upserts, so that rows written again after a restart change nothing.
CREATE TEMPORARY TABLE underlying_ticks_sink (
  ts TIMESTAMP(3),
  venue STRING,
  underlying STRING,
  event_time BIGINT,
  index_price DOUBLE,
  options INT,
  expiries INT,
  call_open_interest DOUBLE,
  put_open_interest DOUBLE,
  pcr_open_interest DOUBLE,
  pcr_volume DOUBLE,
  gamma_gross DOUBLE,
  gamma_naive DOUBLE,
  zero_gamma DOUBLE,
  flags STRING,
  PRIMARY KEY (venue, underlying, ts) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  ${database},
  'table-name' = 'underlying_ticks',
  ${batches}
)

-- One row per chain and second, all its expiries together. Fields: market/options/records.py, UnderlyingTick.
-- Key (venue, underlying, event_time); a second may be said again, and its last row holds. Time: event_ts, three seconds after
-- event_time, and the watermark at event_time: a chain may be as far behind the others, and holds back no book.
CREATE TEMPORARY TABLE underlying_ticks (
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
  event_ts AS TO_TIMESTAMP_LTZ(COALESCE(event_time, 0) + 3000, 3),
  WATERMARK FOR event_ts AS event_ts - INTERVAL '3' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}underlying_ticks',
  ${start},
  'properties.isolation.level' = '${alerts_isolation}',
  'scan.watermark.idle-timeout' = '2 s',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

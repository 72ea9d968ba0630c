-- One row per chain and second, over all its expiries. Fields: UnderlyingTick in market/options/records.py.
-- Key (venue, underlying, event_time); the last row of a repeated second applies. Time: event_ts, watermark 1 s behind.
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
  flags ARRAY<STRING>,
  record_topic STRING NOT NULL METADATA FROM 'topic' VIRTUAL,
  record_partition INT NOT NULL METADATA FROM 'partition' VIRTUAL,
  record_offset BIGINT NOT NULL METADATA FROM 'offset' VIRTUAL,
  event_ts AS TO_TIMESTAMP_LTZ(CASE WHEN event_time BETWEEN 0 AND 253402300000000 THEN event_time ELSE 0 END, 3),
  WATERMARK FOR event_ts AS event_ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  ${kafka_evenly},
  'topic' = '${prefix}underlying_ticks',
  ${start},
  'properties.isolation.level' = 'read_committed',
  'scan.watermark.idle-timeout' = '5 s',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)

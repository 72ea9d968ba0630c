-- One row per change of the state of a book or chain in the database.
-- Key (venue, symbol, since, state): upserts, so that rows written again after a restart change nothing.
CREATE TEMPORARY TABLE book_states_sink (
  since TIMESTAMP(3),
  venue STRING,
  symbol STRING,
  state STRING,
  reason STRING,
  event_time BIGINT,
  record_offset BIGINT,
  PRIMARY KEY (venue, symbol, since, state) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  ${database},
  'table-name' = 'book_states',
  ${batches}
)

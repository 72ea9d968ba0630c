-- Every change of the state of a book or chain to the database.
INSERT INTO book_states_sink
SELECT
  CAST(TO_TIMESTAMP_LTZ(event_time, 3) AS TIMESTAMP(3)),
  venue,
  symbol,
  state,
  COALESCE(REPLACE(reason, U&'\0000', ''), ''),
  event_time,
  record_offset
FROM checked_statuses
WHERE refused_fields = ''

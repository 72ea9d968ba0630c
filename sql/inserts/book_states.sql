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
FROM statuses
WHERE REGEXP(venue, '\A[^\x00]{1,64}\z')
  AND REGEXP(symbol, '\A[^\x00]{1,64}\z')
  AND event_time BETWEEN 0 AND 253402300000000
  AND state IN ('synced', 'gap', 'stale', 'untrusted')

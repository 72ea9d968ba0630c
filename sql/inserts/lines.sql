-- What a job says: each batch leaves Python as one row per topic, its lines joined, and is split here.
-- Headers: the event times of the batch's first line (since) and of its last (until); null where lines have none. Until the partition's next
-- batch no reader may take times after since as complete. A line of the time until is this one, or follows, of the same key.
-- The search for the last begins once, at the batch's beginning: dead letters may be megabytes.
INSERT INTO lines_sink
SELECT topic_name, record_key, line, MAP['since', CAST(since AS BYTES), 'until', CAST(until AS BYTES)]
FROM (
  SELECT
    *,
    REGEXP_EXTRACT(payload, '"event_time":(\d+)', 1) AS since,
    REGEXP_EXTRACT(payload, '\A(?s:.*)"event_time":(\d+)', 1) AS until
  FROM outputs
)
CROSS JOIN UNNEST(SPLIT(payload, CHR(10))) AS lines(line)

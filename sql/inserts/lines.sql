-- What a job says: each batch leaves Python as one row per topic, its lines joined, and is split here.
-- `since` is the event time of the batch's first line: until the next batch of the partition no reader may take later times as complete.
INSERT INTO lines_sink
SELECT topic_name, record_key, line, MAP['since', CAST(since AS BYTES)]
FROM (SELECT *, REGEXP_EXTRACT(payload, '"event_time":(\d+)', 1) AS since FROM outputs)
CROSS JOIN UNNEST(SPLIT(payload, CHR(10))) AS lines(line)

-- What a job says: each batch leaves Python as one row per topic, its lines joined, and is split here.
INSERT INTO lines_sink
SELECT topic_name, record_key, line
FROM outputs CROSS JOIN UNNEST(SPLIT(payload, CHR(10))) AS lines(line)

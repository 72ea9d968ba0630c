-- Every count of writes of the cache job to its sink.
INSERT INTO redis_writes_sink
SELECT record_key, written
FROM redis_writes
